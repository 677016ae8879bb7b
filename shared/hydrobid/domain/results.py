"""What an auction came to for one portfolio in one price area: prices, trades, and what is owed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from hydrobid.domain.base import Record, Value
from hydrobid.domain.canonical import digest
from hydrobid.domain.identifiers import MarketId, Portfolio, PriceArea, RunId
from hydrobid.domain.time import MtuGrid

Series = tuple[float, ...]


class TradedOrder(Value):
    """What one order came to. name: of a block within its order. volumes: (T,) MW, sold positive."""

    order_id: str
    kind: Literal["curve", "block"]
    name: str | None = None
    volumes: Series


class PublishedResult(Value):
    """A result as the exchange publishes it, in our sign: selling is positive.

    prices: (T,) the area's price of each MTU, in `currency` per MWh. volumes: (T,) MW net of
    everything that the portfolio trades in the area, the obligation to deliver. trades: what they
    are made of. status: preliminary until the exchange calls it final.
    """

    auction: str
    portfolio: Portfolio
    price_area: PriceArea
    currency: str
    status: Literal["preliminary", "final"]
    mtu_start: datetime
    mtu_minutes: Literal[15, 30, 60]
    prices: Annotated[Series, Field(min_length=1)]
    volumes: Series
    trades: tuple[TradedOrder, ...] = ()

    @model_validator(mode="after")
    def _one_for_each_mtu(self) -> Self:
        given = [len(self.volumes), *(len(trade.volumes) for trade in self.trades)]
        if set(given) != {len(self.prices)}:
            raise ValueError(f"a volume for each of {len(self.prices)} prices: {given}")
        return self

    @property
    def grid(self) -> MtuGrid:
        """The day's market time units."""
        return MtuGrid(self.mtu_start, self.mtu_minutes, len(self.prices))

    @property
    def sold(self) -> NDArray[np.float64]:
        """The (T,) MW that have to be delivered, generation-positive."""
        return np.array(self.volumes)

    @property
    def revenue(self) -> float:
        """What the sold energy is worth at the area's prices, in `currency`; purchases count off."""
        return float(np.dot(self.sold, self.prices)) * self.grid.hours

    def digest(self) -> str:
        """Return the digest of what was published: 64 hexadecimal digits."""
        return digest(self.to_document())


class AuctionResult(Record):
    """The stored result of a delivery day; a version for each content that was published.

    published_at: when a look first found this content published, market time; the exchange does not
    tell. run, matrix: the run whose bid stood at the gate and the digest of its content, None where
    what stood was none of ours. expected: (T,) MW that this bid sells at the published prices, by its
    curves and by those of its blocks that were accepted.
    """

    market: MarketId
    day: date
    published_at: datetime
    content: str
    published: PublishedResult
    run: RunId | None = None
    matrix: str | None = None
    expected: Series | None = None

    @classmethod
    def of(
        cls, market: MarketId, day: date, at: datetime, published: PublishedResult, **bid: Any
    ) -> Self:
        """Return the record of a result that is published at `at`. bid: run, matrix, expected."""
        return cls(
            market=market,
            day=day,
            published_at=at,
            content=published.digest(),
            published=published,
            **bid,
        )
