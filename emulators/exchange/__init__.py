"""A power exchange that speaks Nord Pool's Auction API, for one market described in a file.

Tokens, auctions with their contracts, curve orders, block orders and linked exclusive groups with all
their versions, cancellation, the exchange's reasonability check, and after the gate prices, trades and
portfolio volumes. Auctions pass through Open, Closed and ResultsPublished by the market's clock. Prices
are given, not found: each order is read at them.

Rooms: `market_file` reads the market, `market` keeps its calendar, `validation`, `block_validation` and
`reasonability` judge orders, `orders` stores them, `clearing` reads them at `prices`, `exchange`
decides, `auth` lets in; `wire`, `api`, `order_api` and `answers` speak HTTP, `server` listens.
"""
