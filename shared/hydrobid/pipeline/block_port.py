"""What a use case needs of an exchange that takes block orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from hydrobid.domain.blocks import BlockBid
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.pipeline.ports import Auction


@dataclass(frozen=True)
class ExchangeBlocks:
    """An order of blocks as it stands at the exchange, in our own sign.

    bid: None where the content is none that we could have sent.
    """

    order_id: str
    version: int
    state: str
    comment: str
    bid: BlockBid | None


class BlockExchange(Protocol):
    """An exchange's block orders; errors are those of `ports.Exchange`.

    Nothing keeps a second order for the same blocks from standing beside the first: one of unknown
    outcome is looked for before it is sent again.
    """

    def standing_blocks(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> tuple[ExchangeBlocks, ...]:
        """Return every order of blocks that stands for portfolio and area."""
        ...

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, bid: BlockBid, comment: str
    ) -> None:
        """Place a new order of blocks."""
        ...

    def amend_blocks(self, auction: Auction, order_id: str, bid: BlockBid, comment: str) -> None:
        """Change blocks of a standing order by their names, and add those that are new.

        A block that is not named stays as it was: to be rid of one, the order is cancelled.
        """
        ...

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        """Take a standing order of blocks back; OrderConflict where it does not stand any more."""
        ...
