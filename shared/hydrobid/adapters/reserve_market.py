"""The exchange port on a market that takes reserve bid documents through a message gateway.

There is no list of orders to be read: what stands is what the accepted documents say, one after the other
as they were acknowledged, and what a document came to, its acknowledgement says. A bid matrix of a step
market becomes divisible bids for each step of each MTU: so many MW more from that price on. Bids keep their
ids over amendments; one that is gone is sent again with no quantity, which takes it back.

A document that is never acknowledged may have arrived or not. After a while the next one is sent all the
same, and takes back whatever it may have left standing. Should it arrive after that one, its late
acknowledgement says so, and the next look puts it right.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from hydrobid.adapters.plain_exchange import PlainExchange
from hydrobid.adapters.reserve_bids import IDS, by_id, span_of, steps_of, taken_back
from hydrobid.adapters.reserve_documents import (
    Acknowledgement,
    ReserveBid,
    allocation_in,
    bid_document,
    bids_in,
)
from hydrobid.adapters.reserve_gateway import KeptMessage
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import (
    ExchangeDenied,
    ExchangeRefused,
    OrderConflict,
    ServiceUnavailable,
)
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.results import PublishedResult, TradedOrder
from hydrobid.domain.time import MtuGrid
from hydrobid.pipeline.order_steps import Act, Step
from hydrobid.pipeline.ports import (
    Auction,
    Clock,
    Document,
    ExchangeOrder,
    ExchangeOrders,
    Judgement,
)

NO_BLOCKS = "this market takes no block orders"
GIVEN_UP_AFTER: Final = timedelta(seconds=60)
"""Real time after which a document without an acknowledgement no longer keeps the next one back."""


class Gateway(Protocol):
    """What sends documents, and keeps them. A subject tells the documents of one order from others."""

    def send(
        self, subject: str, number: int, document_id: str, content: bytes, note: str
    ) -> Acknowledgement:
        """Return the acknowledgement of an order's next document.

        Raises:
            OrderConflict: somebody else has sent that number. OutcomeUnknown: no answer yet.
        """
        ...

    def sent(self, subject: str) -> Sequence[KeptMessage]:
        """Return what was written down to be sent, by number, with the answers there are by now."""
        ...

    def allocation(self, start: datetime) -> bytes | None:
        """Return the newest allocation result of the day that begins then, None while none has come."""
        ...


@dataclass(frozen=True)
class _Standing:
    """What stands of an order. accepted: how many documents were; last: the note of the newest.

    doubtful: bids of documents that were never acknowledged, which may stand as well.
    """

    number: int
    accepted: int
    last: str
    bids: dict[str, ReserveBid]
    doubtful: dict[str, ReserveBid]

    @property
    def to_take_back(self) -> dict[str, ReserveBid]:
        """Every bid that stands, or may."""
        return {**self.doubtful, **self.bids}


class ReserveMarket(PlainExchange):
    """Bids of the reserve that a market is of, through a gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway, self._clock = gateway, clock

    def auction(self, market: Market, day: date) -> Auction:
        """Return the auction of a delivery day, which the market's rules alone define."""
        closes = market.gate(day)
        published = self._gateway.allocation(market.grid(day).start) is not None
        return Auction(
            id=f"{market.id}-{day.isoformat()}",
            open=self._clock.now() < closes,
            closes=closes,
            published=published,
            reserve=market.reserve,
        )

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        """Return no verdict: what the operator thinks of a bid, it says in its acknowledgement."""
        del auction, order_id
        return Judgement(approved=None)

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        """Return what the accepted documents leave standing; ServiceUnavailable while one is open."""
        del day
        subject = _subject(auction, portfolio, area)
        found = self._standing(subject)
        if not found.to_take_back:
            return ExchangeOrders()
        matrix, comment = None, ""
        if found.last and not found.doubtful:
            note = json.loads(found.last)
            sent, comment = BidMatrix.from_document(note["matrix"]), note["comment"]
            ours = (sent.tick, sent.lot) == (market.price_tick, market.volume_lot)
            if ours and found.bids == by_id(steps_of(_product(auction), subject, sent)):
                matrix = sent
        order = ExchangeOrder(
            order_id=subject,
            version=found.accepted,
            state="Accepted",
            comment=comment,
            matrix=matrix,
        )
        return ExchangeOrders(order)

    def request_for(
        self, auction: Auction, portfolio: Portfolio, step: Step, matrix: BidMatrix, comment: str
    ) -> Document:
        """Return the subject and the document that would be sent, as of now."""
        if step.act not in (Act.PLACE, Act.AMEND):
            raise ExchangeRefused(NO_BLOCKS)
        subject = _subject(auction, portfolio, matrix.price_area)
        found = self._standing(subject)
        bids = self._bids_for(auction, found, subject, matrix)
        _, content = self._document(auction, found, subject, bids, matrix.grid)
        return {"subject": subject, "comment": comment, "content": content.decode()}

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Send the first bids of a day; OrderConflict where some stand."""
        subject = _subject(auction, portfolio, matrix.price_area)
        found = self._standing(subject)
        if found.to_take_back:
            raise OrderConflict("bids stand already", order_id=subject)
        self._send(auction, found, subject, matrix, comment)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Send bids in the place of those that stand; those that are gone are taken back."""
        self._send(auction, self._found(order_id), order_id, matrix, comment)

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take every bid that stands back."""
        found = self._found(order_id)
        bids = taken_back(found.to_take_back.values())
        self._deliver(auction, found, order_id, bids, span_of(bids), note="")

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Refuse: a step is all that this market knows."""
        del auction, portfolio, matrix, comment
        raise ExchangeRefused(NO_BLOCKS)

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        """Refuse, as above."""
        del auction, order_id, matrix, comment
        raise ExchangeRefused(NO_BLOCKS)

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        """Refuse, as above."""
        del auction, order_id
        raise ExchangeRefused(NO_BLOCKS)

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        """Return what was procured of a day, None until the operator has told."""
        grid = market.grid(day)
        content = self._gateway.allocation(grid.start)
        if content is None:
            return None
        allocation = allocation_in(content)
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
            currency=market.currency,
            status="final",
            mtu_start=grid.start,
            mtu_minutes=market.mtu_minutes,
            prices=tuple(map(float, allocation.prices)),
            volumes=volumes,
            trades=(TradedOrder(order_id=subject, kind="curve", volumes=volumes),),
        )

    def _send(
        self, auction: Auction, found: _Standing, subject: str, matrix: BidMatrix, comment: str
    ) -> None:
        bids = self._bids_for(auction, found, subject, matrix)
        note = json.dumps({"comment": comment, "matrix": matrix.to_document()})
        self._deliver(auction, found, subject, bids, matrix.grid, note)

    def _bids_for(
        self, auction: Auction, found: _Standing, subject: str, matrix: BidMatrix
    ) -> list[ReserveBid]:
        """Return the bids of a matrix, and those that stand and are gone from it, taken back."""
        bids = steps_of(_product(auction), subject, matrix)
        kept = {bid.id for bid in bids}
        gone = [bid for name, bid in found.to_take_back.items() if name not in kept]
        return [*bids, *taken_back(gone)]

    def _document(
        self,
        auction: Auction,
        found: _Standing,
        subject: str,
        bids: Sequence[ReserveBid],
        grid: MtuGrid,
    ) -> tuple[str, bytes]:
        """Return the id of an order's next document, and the document."""
        product = _product(auction)
        if len(bids) > product.bids_max:
            raise ExchangeRefused(
                f"{len(bids)} bids, and a document holds {product.bids_max} at most", order=subject
            )
        document_id = str(uuid.uuid5(IDS, f"{product.sender}/{subject}#{found.number}"))
        now = self._clock.now()
        return document_id, bid_document(product, document_id, now, grid, bids)

    def _deliver(
        self,
        auction: Auction,
        found: _Standing,
        subject: str,
        bids: Sequence[ReserveBid],
        grid: MtuGrid,
        note: str,
    ) -> None:
        if self._clock.now() >= auction.closes:
            raise ExchangeRefused("the gate has closed", auction=auction.id)
        document_id, content = self._document(auction, found, subject, bids, grid)
        answer = self._gateway.send(subject, found.number, document_id, content, note)
        if not answer.accepted:
            raise ExchangeRefused(answer.words or "rejected", document=document_id)

    def _found(self, subject: str) -> _Standing:
        found = self._standing(subject)
        if not found.to_take_back:
            raise OrderConflict("no bids stand", order_id=subject)
        return found

    def _standing(self, subject: str) -> _Standing:
        """Return what stands; raise ServiceUnavailable while an acknowledgement may still come."""
        messages = self._gateway.sent(subject)
        given_up = self._clock.real_now() - GIVEN_UP_AFTER
        unanswered = [message for message in messages if message.answer is None]
        if any(message.written > given_up for message in unanswered):
            raise ServiceUnavailable("a bid document is not acknowledged yet", subject=subject)
        accepted = sorted(
            (m for m in messages if m.answer is not None and m.answer.accepted), key=_acknowledged
        )
        bids: dict[str, ReserveBid] = {}
        for message in accepted:
            bids |= by_id(bids_in(message.content))
        doubtful: dict[str, ReserveBid] = {}
        last = _acknowledged(accepted[-1]) if accepted else None
        for message in unanswered:
            if last is None or message.number > last[1]:
                doubtful |= by_id(bids_in(message.content))
        return _Standing(
            number=max((message.number for message in messages), default=0) + 1,
            accepted=len(accepted),
            last=accepted[-1].note if accepted else "",
            bids={name: bid for name, bid in bids.items() if bid.quantity},
            doubtful={name: bid for name, bid in doubtful.items() if bid.quantity},
        )


def _acknowledged(message: KeptMessage) -> tuple[datetime, int]:
    """Return the order in which the operator has taken documents."""
    answer = message.answer
    if answer is None or answer.created is None:
        raise AssertionError("only what was acknowledged is asked for")
    return answer.created, message.number


def _product(auction: Auction) -> ReserveProduct:
    if auction.reserve is None:
        raise ExchangeDenied(f"{auction.id} is no auction of reserves", auction=auction.id)
    return auction.reserve


def _subject(auction: Auction, portfolio: Portfolio, area: PriceArea) -> str:
    return f"{auction.id}~{portfolio}~{area}"
