"""A power exchange that speaks Nord Pool's Auction API, for one market described in a file.

Built here: tokens, auctions with their contracts, curve orders with versions, cancellation, and the
exchange's reasonability check. Block orders, linked exclusive groups, trades, prices and portfolio
volumes belong to the API but not yet to this server: they answer 501 and say so. Auctions pass
through Open, Closed and ResultsPublished by the market's clock; nothing is cleared.

Rooms: `market_file` reads the market, `market` keeps its calendar, `validation` and `reasonability`
judge curves, `orders` stores them, `exchange` decides, `auth` lets in; `wire`, `api` and `answers`
speak HTTP, `server` listens.
"""
