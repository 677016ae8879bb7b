"""A system operator as tests meet it, at the other end of a channel: it acknowledges, keeps and allocates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

from hydrobid.adapters.memory import MemoryClock
from hydrobid.adapters.reserve_documents import ReserveBid, bids_in
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import GateClosure, Market
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.time import MtuGrid

PRODUCT = ReserveProduct(sender="44X-00000000000A")
PORTFOLIO, FI = Portfolio("reserves"), PriceArea("FI")


def reserve_market(*areas: PriceArea) -> Market:
    """Return the rules of Fingrid's FCR-N, whose delivery days are of Central European time.

    17:30 there is 18:30 in Finland.
    """
    return Market(
        id="fcr-n",
        time_zone="Europe/Oslo",
        mtu_minutes=60,
        gate_closure=GateClosure(local_time="17:30"),
        currency="EUR",
        price_min=Decimal(0),
        price_max=Decimal(10_000),
        price_tick=Decimal("0.01"),
        volume_lot=Decimal("0.1"),
        max_points=100,
        interpolation="step",
        reserve=PRODUCT,
        price_areas=areas,
    )


class Operator:
    """Takes every document as it comes, as long as it is open.

    silent: acknowledges nothing until `answer_all`. deaf: what is handed over is lost. rejecting: the
    words in which it rejects. standing: the bids that it holds, by id.
    """

    def __init__(self, clock: MemoryClock, market: Market) -> None:
        self.clock, self.market = clock, market
        self.received: list[bytes] = []
        self.standing: dict[str, ReserveBid] = {}
        self.silent = self.deaf = False
        self.rejecting = ""
        self._inbox: dict[str, bytes] = {}
        self._held_back: list[bytes] = []
        self._answers = 0

    def hand_over(self, name: str, content: bytes) -> None:
        if self.deaf:
            return
        document_id = name.removesuffix(".xml")
        assert id_of(content) == document_id
        self.received.append(content)
        self._answers += 1
        code = "A02" if self.rejecting else "A01"
        if not self.rejecting:
            self.standing |= {bid.id: bid for bid in bids_in(content)}
        answer = acknowledgement(document_id, code, self.rejecting, self._answers, self.clock.now())
        if self.silent:
            self._held_back.append(answer)
        else:
            self.drop(answer)

    def arrived(self) -> Iterator[tuple[str, bytes]]:
        return iter(list(self._inbox.items()))

    def take(self, name: str) -> None:
        self._inbox.pop(name, None)

    def drop(self, content: bytes) -> None:
        """Have something arrive."""
        self._inbox[f"{len(self._inbox)}-{hash(content)}.xml"] = content

    @property
    def left(self) -> int:
        """How many files nobody has taken."""
        return len(self._inbox)

    @property
    def stands(self) -> set[tuple[datetime, Decimal, Decimal]]:
        """Start, quantity and price of every bid that it holds."""
        return {(b.start, b.quantity, b.price) for b in self.standing.values() if b.quantity}

    def answer_all(self) -> None:
        """Acknowledge what was left open."""
        self.silent = False
        for answer in self._held_back:
            self.drop(answer)
        self._held_back.clear()

    def allocate(self, day: date, price: str) -> None:
        """Procure every standing bid up to a price, in every hour of a day."""
        grid = self.market.grid(day)
        taken = [
            sum(
                (q for start, q, at in self._all() if start == s and at <= Decimal(price)),
                Decimal(0),
            )
            for s in grid.starts()
        ]
        self.drop(allocation(grid, [str(mw) for mw in taken], [price] * len(grid)))

    def _all(self) -> list[tuple[datetime, Decimal, Decimal]]:
        return [(b.start, b.quantity, b.price) for b in self.standing.values()]


def id_of(document: bytes) -> str:
    """Return a document's own mRID."""
    found = next(e.text for e in ET.fromstring(document) if e.tag.endswith("}mRID"))
    assert found is not None
    return found


def acknowledgement(
    document_id: str, code: str, text: str = "", number: int = 1, at: datetime | None = None
) -> bytes:
    """Return an acknowledgement of a document, A01 for accepted, A02 for rejected."""
    words = f"<text>{text}</text>" if text else ""
    created = "" if at is None else f"<createdDateTime>{at.isoformat()}</createdDateTime>"
    return (
        '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:'
        f'acknowledgementdocument:8:1"><mRID>{number}</mRID>{created}'
        f"<received_MarketDocument.mRID>{document_id}</received_MarketDocument.mRID>"
        f"<Reason><code>{code}</code>{words}</Reason></Acknowledgement_MarketDocument>"
    ).encode()


def allocation(grid: MtuGrid, quantities: list[str], prices: list[str]) -> bytes:
    """Return an allocation result of a day."""
    span = "/".join(at.strftime("%Y-%m-%dT%H:%MZ") for at in (grid.start, grid.end))
    intervals = "".join(
        f'<Interval><Pos v="{n}"/><Qty v="{mw}"/><Price v="{price}"/></Interval>'
        for n, (mw, price) in enumerate(zip(quantities, prices, strict=True), start=1)
    )
    return (
        '<ReserveAllocationResultDocument xmlns="urn:entsoe.eu:wgedi:errp:'
        'reserveallocationresultdocument:5:0"><AllocationTimeSeries><Period>'
        f'<TimeInterval v="{span}"/><Resolution v="PT1H"/>{intervals}'
        "</Period></AllocationTimeSeries></ReserveAllocationResultDocument>"
    ).encode()
