"""The exchange port on a market that takes reserve bid documents through a message gateway.

There is no list of orders to be read: what stands is what the newest accepted documents say, and what
a document came to, its acknowledgement says. A bid matrix of a step market becomes one divisible bid for
each step of each MTU: so many MW more from that price on. Bids keep their ids over amendments; a step
that is gone is sent again with no quantity, which takes it back.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from hydrobid.adapters.reserve_documents import (
    Acknowledgement,
    ReserveBid,
    ReserveProduct,
    acknowledgement_in,
    allocation_in,
    bid_document,
    bids_in,
)
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import (
    ExchangeRefused,
    OrderConflict,
    OutcomeUnknown,
    ServiceUnavailable,
)
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult, TradedOrder
from hydrobid.domain.time import MtuGrid
from hydrobid.pipeline.ports import Auction, Clock, Document, ExchangeOrder, Judgement, Terms

_IDS: Final = uuid.UUID("6a0f2f5c-5f0b-4d8e-9f57-0f6a3c1d7e21")


@dataclass(frozen=True)
class KeptMessage:
    """A message that was sent. note: ours, kept beside it. answer: its acknowledgement, if any."""

    content: bytes
    note: str
    answer: bytes | None


class Gateway(Protocol):
    """An endpoint of the operators' network (ECP with EDX): takes messages, and keeps them.

    A subject tells the messages of one order from all others.
    """

    def send(self, subject: str, content: bytes, note: str) -> bytes | None:
        """Return the acknowledgement, None where there is none in time.

        Raises:
            ServiceUnavailable: the message was not taken.
        """
        ...

    def sent(self, subject: str) -> Sequence[KeptMessage]:
        """Return what was sent on a subject, oldest first, with the answers there are by now."""
        ...

    def allocation(self, day: date) -> bytes | None:
        """Return the newest allocation result of a day, None while none has come."""
        ...


class ReserveMarket:
    """Bids of one product, for one price area."""

    def __init__(self, gateway: Gateway, clock: Clock, product: ReserveProduct) -> None:
        self._gateway, self._clock, self._product = gateway, clock, product

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Return at once: what is read lies at the gateway's own end."""
        del seconds
        return nullcontext()

    def auction(self, market: Market, day: date) -> Auction:
        """Return the auction of a delivery day, which the market's rules alone define."""
        closes = market.gate(day)
        published = self._gateway.allocation(day) is not None
        return Auction(day.isoformat(), self._clock.now() < closes, closes, published)

    def terms(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> Terms:
        """Return the market's own rules: the operator tells of none through its documents."""
        del auction, portfolio, area
        return Terms(
            price_min=market.price_min,
            price_max=market.price_max,
            currency=self._product.currency,
            writable=True,
            mtus=tuple(market.grid(day).starts()),
            most_sold=None,
            most_bought=None,
        )

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        """Return no verdict: what the operator thinks of a bid, it says in its acknowledgement."""
        del auction, order_id
        return Judgement(approved=None)

    def standing_order(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrder | None:
        """Return what the accepted documents leave standing; ServiceUnavailable while one is open."""
        del day
        subject = _subject(auction, portfolio, area)
        accepted = self._accepted(subject)
        if not accepted:
            return None
        newest = accepted[-1]
        bids = [bid for bid in bids_in(newest.content) if bid.quantity]
        if not bids:
            return None
        note = json.loads(newest.note)
        matrix = BidMatrix.from_document(note["matrix"])
        ours = _bids_of(market, subject, matrix) == bids
        return ExchangeOrder(
            order_id=subject,
            version=len(accepted),
            state="Accepted",
            comment=note["comment"],
            matrix=matrix if ours else None,
        )

    def request_for(
        self,
        auction: Auction,
        portfolio: Portfolio,
        matrix: BidMatrix,
        comment: str,
        order_id: str | None,
    ) -> Document:
        """Return the subject and the document that would be sent, as of now."""
        del order_id
        subject = _subject(auction, portfolio, matrix.price_area)
        _, content = self._document(subject, self._bids_for(subject, matrix), matrix.grid)
        return {"subject": subject, "comment": comment, "content": content.decode()}

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Send the first bids of a day; OrderConflict where some stand."""
        subject = _subject(auction, portfolio, matrix.price_area)
        if self._standing_bids(subject):
            raise OrderConflict("bids stand already", order_id=subject)
        self._send(auction, subject, matrix, comment)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Send bids in the place of those that stand; those that are gone are taken back."""
        if not self._standing_bids(order_id):
            raise OrderConflict("no bids stand", order_id=order_id)
        self._send(auction, order_id, matrix, comment)

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take every bid that stands back."""
        standing = self._standing_bids(order_id)
        if not standing:
            raise OrderConflict("no bids stand", order_id=order_id)
        self._deliver(auction, order_id, _taken_back(standing), _grid_of(standing), note="")

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        """Return what was procured of a day, None until the operator has told."""
        content = self._gateway.allocation(day)
        if content is None:
            return None
        allocation, grid = allocation_in(content), market.grid(day)
        if allocation.grid != grid:
            raise ExchangeRefused(
                f"the allocation has {len(allocation.grid)} MTUs and the day {len(grid)}"
            )
        volumes = tuple(map(float, allocation.quantities))
        subject = _subject(auction, portfolio, area)
        return PublishedResult(
            auction=auction.id,
            portfolio=portfolio,
            price_area=area,
            currency=self._product.currency,
            status="final",
            mtu_start=grid.start,
            mtu_minutes=market.mtu_minutes,
            prices=tuple(map(float, allocation.prices)),
            volumes=volumes,
            trades=(TradedOrder(order_id=subject, kind="curve", volumes=volumes),),
        )

    def _send(self, auction: Auction, subject: str, matrix: BidMatrix, comment: str) -> None:
        bids = self._bids_for(subject, matrix)
        note = json.dumps({"comment": comment, "matrix": matrix.to_document()})
        self._deliver(auction, subject, bids, matrix.grid, note)

    def _bids_for(self, subject: str, matrix: BidMatrix) -> list[ReserveBid]:
        """Return the bids of a matrix, and those that stand and are gone from it, taken back."""
        bids = _steps_of(subject, matrix)
        kept = {bid.id for bid in bids}
        gone = [bid for bid in self._standing_bids(subject) if bid.id not in kept]
        return [*bids, *_taken_back(gone)]

    def _deliver(
        self,
        auction: Auction,
        subject: str,
        bids: Sequence[ReserveBid],
        grid: MtuGrid,
        note: str,
    ) -> None:
        if self._clock.now() >= auction.closes:
            raise ExchangeRefused("the gate has closed", auction=auction.id)
        document_id, content = self._document(subject, bids, grid)
        answer = self._gateway.send(subject, content, note)
        if answer is None:
            raise OutcomeUnknown("no acknowledgement yet", document=document_id)
        acknowledged = acknowledgement_in(answer)
        if not acknowledged.accepted:
            raise ExchangeRefused(acknowledged.words or "rejected", document=document_id)

    def _document(
        self, subject: str, bids: Sequence[ReserveBid], grid: MtuGrid
    ) -> tuple[str, bytes]:
        """Return the id of an order's next document, and the document."""
        number = len(self._gateway.sent(subject)) + 1
        document_id = str(uuid.uuid5(_IDS, f"{subject}#{number}"))
        return document_id, bid_document(self._product, document_id, self._clock.now(), grid, bids)

    def _standing_bids(self, subject: str) -> list[ReserveBid]:
        accepted = self._accepted(subject)
        return [bid for bid in bids_in(accepted[-1].content) if bid.quantity] if accepted else []

    def _accepted(self, subject: str) -> list[KeptMessage]:
        """Return what was sent and accepted; nothing can be said while an answer is missing."""
        messages = self._gateway.sent(subject)
        if any(message.answer is None for message in messages):
            raise ServiceUnavailable("a bid document is not acknowledged yet", subject=subject)
        answers: list[Acknowledgement] = [acknowledgement_in(m.answer or b"") for m in messages]
        return [m for m, answer in zip(messages, answers, strict=True) if answer.accepted]


def _subject(auction: Auction, portfolio: Portfolio, area: PriceArea) -> str:
    return f"{auction.id}~{portfolio}~{area}"


def _bids_of(market: Market, subject: str, matrix: BidMatrix) -> list[ReserveBid] | None:
    """Return the bids of a matrix of this market, None where it is another market's."""
    if (matrix.tick, matrix.lot) != (market.price_tick, market.volume_lot):
        return None
    return _steps_of(subject, matrix)


def _steps_of(subject: str, matrix: BidMatrix) -> list[ReserveBid]:
    """Return a bid for each step of each curve; raise ExchangeRefused where one buys."""
    bids = []
    for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True):
        if curve.lots[0] < 0:
            raise ExchangeRefused(
                f"{matrix.volume(curve.lots[0])} MW at {start.isoformat()}: reserves are sold only"
            )
        before = (0, *curve.lots)
        steps = [
            (tick, lots - below)
            for tick, lots, below in zip(curve.ticks, curve.lots, before, strict=False)
            if lots > below
        ]
        for number, (tick, lots) in enumerate(steps):
            name = f"{subject}/{start.isoformat()}/{number}"
            bids.append(
                ReserveBid(
                    id=str(uuid.uuid5(_IDS, name)),
                    start=start,
                    end=start + matrix.grid.step,
                    quantity=matrix.lot * lots,
                    price=matrix.tick * tick,
                )
            )
    return bids


def _taken_back(bids: Sequence[ReserveBid]) -> list[ReserveBid]:
    return [replace(bid, quantity=Decimal(0)) for bid in bids]


def _grid_of(bids: Sequence[ReserveBid]) -> MtuGrid:
    """Return the span of bids, in units of the first one's length."""
    first, last = min(bid.start for bid in bids), max(bid.end for bid in bids)
    step = bids[0].end - bids[0].start
    return MtuGrid(first, int(step.total_seconds() // 60), (last - first) // step)
