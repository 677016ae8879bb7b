"""What an exchange says of an auction, as a bid was held against it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from hydrobid.domain.base import Value


class AuctionView(Value):
    """An auction as the exchange told it, for one portfolio in one price area.

    takes_orders: whether it was open and its gate not reached, by the exchange's clock. currency: of
    the portfolio, None where it is not ours. writable: whether we may send orders there. price_min,
    price_max: None where it takes no orders in the market's currency. contracts: how many it has of
    the market's MTU; of_the_day: whether they are the day's MTUs. most_sold, most_bought: MW of a
    curve, above zero both, None where the portfolio does not trade there.
    """

    auction: str
    closes: datetime
    takes_orders: bool
    currency: str | None
    writable: bool
    price_min: Decimal | None
    price_max: Decimal | None
    contracts: int
    of_the_day: bool
    most_sold: Decimal | None
    most_bought: Decimal | None
