"""Orders as they are stored: what is wanted, what stands at the exchange, and who may act."""

from __future__ import annotations

from datetime import datetime
from operator import not_
from typing import Annotated, Any, Literal

from pydantic import Field

from hydrobid.domain.base import Record, Value
from hydrobid.domain.holds import Hold, HoldKind
from hydrobid.domain.identifiers import (
    Portfolio,
    PriceArea,
    RunId,
)
from hydrobid.domain.states import OrderState

INSTEAD = 0
"""The bid version of what is sent in the place of a run's own bids: it gives way to any of them."""


class Wanted(Value):
    """The content an order should have. (revision, bid_version) is its fence: it only rises.

    overridden: whether a person has changed it; no rule puts another in its place.
    """

    run: RunId
    bid_version: int
    matrix: str
    overridden: Annotated[bool, Field(exclude_if=not_)] = False

    @property
    def fence(self) -> tuple[int, int]:
        """What is compared before another content becomes wanted."""
        return self.run.revision, self.bid_version

    @property
    def comment(self) -> str:
        """What goes with the content to the exchange, by which it is known again there."""
        return f"hydrobid {self.run} v{self.bid_version} {self.matrix[:16]}"


class Lease(Value):
    """The sole right to act on an order, until an instant of real time."""

    holder: str
    until: datetime


class StandingBlocks(Value):
    """An order of blocks that stood at the exchange at the last look."""

    order_id: str
    exchange_version: int


class Standing(Value):
    """What stood at the exchange at the last look.

    order_id, exchange_version, state: of the curve order, None where none stands. blocks: the orders
    of blocks; of ours there is one at most. matrix: digest of the content of all, empty where it is
    none that we could have sent. approved: the verdict of the exchange's reasonability check on the
    curves, None while there is none; objections: where and why it is against them. seen: when a
    look first found it so.
    """

    order_id: str | None
    matrix: str
    exchange_version: int | None
    state: str | None
    blocks: Annotated[tuple[StandingBlocks, ...], Field(exclude_if=not_)] = ()
    approved: bool | None = None
    objections: tuple[str, ...] = ()
    seen: datetime

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of the orders that stand."""
        curves = () if self.order_id is None else (self.order_id,)
        return (*curves, *(blocks.order_id for blocks in self.blocks))


class OrderRecord(Record):
    """The order of a price area's bid: what is wanted, what stands, and what was last done about it.

    At the exchange it is a curve order, and an order of blocks where the bid has any.

    approved: every approved content, oldest fence first. refused: the exchange's words by the
    digest of the content it refused. hold: what the desk set for this order. stopped: the client's
    kill switch, as it was when the order was last looked at. What is wanted follows from the four,
    so that neither a late write nor a refusal can hide a good bid. run: the run whose bid came last.
    too_late: the exchange's words to a request that came after its gate. blocks_sent: when, real
    time, an order of blocks was last sent that is not known to have come to nothing.
    """

    run: RunId
    portfolio: Portfolio
    price_area: PriceArea
    # Blocks are held with the curves: there is no other kind, and stored orders name this one.
    kind: Literal["curve"] = "curve"
    state: OrderState | None = None
    approved: tuple[Wanted, ...] = ()
    refused: dict[str, dict[str, Any]] = Field(default_factory=dict)
    hold: Hold | None = None
    stopped: Hold | None = None
    lease: Lease | None = None
    auction: str | None = None
    standing: Standing | None = None
    attempts: int = 0
    too_late: Annotated[dict[str, Any] | None, Field(exclude_if=not_)] = None
    blocks_sent: Annotated[datetime | None, Field(exclude_if=not_)] = None

    @property
    def due(self) -> Wanted | None:
        """The newest approved content that the exchange has not refused."""
        return next((w for w in reversed(self.approved) if w.matrix not in self.refused), None)

    @property
    def held(self) -> Hold | None:
        """The hold that counts: the kill switch before the order's own."""
        return self.stopped or self.hold

    @property
    def held_words(self) -> str | None:
        """What holds the order, who set it and why, in words."""
        held = self.held
        if held is None:
            return None
        what = "stopped by the kill switch" if self.stopped else held.kind.lower()
        return f"{what}, by {held.by}: {held.reason}"

    @property
    def withdrawn(self) -> bool:
        """Whether nothing may stand."""
        return self.held is not None and self.held.kind is HoldKind.WITHDRAWN

    @property
    def wanted(self) -> Wanted | None:
        """The content that should stand: what is due, where no hold keeps it from standing.

        Where a lock was set on something else than an approved bid, as on half of one, whatever stands
        is left alone.
        """
        held = self.held
        if held is None:
            return self.due
        if held.kind is HoldKind.WITHDRAWN or held.matrix in self.refused:
            return None
        return self._approved_as(held.matrix) or self.stood

    @property
    def withheld(self) -> Wanted | None:
        """What is due and kept from standing by a hold; nothing once the gate has closed."""
        due, wanted = self.due, self.wanted
        if self.held is None or due is None or self.state is OrderState.CLOSED:
            return None
        stands = self.standing is not None and self.standing.matrix == due.matrix
        as_due = wanted is not None and wanted.matrix == due.matrix
        return None if as_due or (stands and not self.withdrawn) else due

    @property
    def stood(self) -> Wanted | None:
        """The newest approved content that is what stood at the last look."""
        return None if self.standing is None else self._approved_as(self.standing.matrix)

    @property
    def doubted(self) -> bool:
        """Whether what stands does not pass the exchange's reasonability check."""
        return self.standing is not None and self.standing.approved is False

    @property
    def as_wanted(self) -> bool:
        """Whether what stood at the last look is what should stand."""
        if self.withdrawn:
            return self.standing is None
        if self.wanted is None:
            # Under a lock whatever stands is left alone, even what was sent by hand.
            return self.held is not None or self.stood is None
        return self.standing is not None and self.standing.matrix == self.wanted.matrix

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be done: what stood is wanted, and nothing is on its way.

        Of an order that the exchange doubts neither: only people can mend that.
        """
        if self.withdrawn:
            at_rest = self.state in (None, OrderState.WITHDRAWN, OrderState.REFUSED)
        elif self.wanted is None:
            at_rest = self.held is not None and self.state not in _UNDER_WAY
        else:
            at_rest = self.state in (OrderState.STANDING, OrderState.NOT_APPROVED)
        return at_rest and self.as_wanted

    def _approved_as(self, matrix: str | None) -> Wanted | None:
        return next((w for w in reversed(self.approved) if w.matrix == matrix), None)


_UNDER_WAY = (OrderState.SENDING, OrderState.UNKNOWN)


class KillSwitch(Record):
    """Whether everything of a client is withdrawn: nothing is sent while `hold` is set."""

    hold: Hold | None = None
