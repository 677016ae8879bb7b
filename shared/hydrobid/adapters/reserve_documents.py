"""ENTSO-E's reserve bid, acknowledgement and allocation documents, as XML.

Elements and codes are those that Fingrid describes for its hourly market of frequency containment
reserves (developers.fingrid.fi, FCR, document structure): IEC 62325-451-7, version 7.4, where a bid is
one price and one quantity for one hour, divisible. Its page names the price `energy_Price.amount` in a
table and `price.amount` in its example of a capacity bid: the example is followed. Elements are read by
their local names, since versions differ in namespaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from xml.etree import ElementTree as ET

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.time import MtuGrid, parse_instant

NAMESPACE: Final = "urn:iec62325.351:tc57wg16:451-7:reservebiddocument:7:4"
EIC: Final = "A01"
BSP_ROLE: Final = "A46"
OPERATOR_ROLE: Final = "A04"
ACCEPTED: Final = "A01"


@dataclass(frozen=True)
class ReserveBid:
    """MW offered in one market time unit, at a price per MW. id: stays when the bid is changed."""

    id: str
    start: datetime
    end: datetime
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class Acknowledgement:
    """What the receiver made of a document. words: why it was rejected. id, created: of the answer."""

    document: str
    accepted: bool
    words: str
    id: str = ""
    created: datetime | None = None


@dataclass(frozen=True)
class Allocation:
    """What was procured: MW and price of each market time unit of a day."""

    grid: MtuGrid
    quantities: tuple[Decimal, ...]
    prices: tuple[Decimal, ...]


def kind_of(content: bytes) -> str:
    """Return what a document calls itself; raise CorruptDocument where it is not XML."""
    return _local(_parsed(content))


def bid_document(
    product: ReserveProduct,
    document_id: str,
    created: datetime,
    grid: MtuGrid,
    bids: Iterable[ReserveBid],
) -> bytes:
    """Return a document with bids of one day; a bid of no quantity takes an earlier one back."""
    root = ET.Element("ReserveBid_MarketDocument", {"xmlns": NAMESPACE})
    for name, text in (
        ("mRID", document_id),
        ("revisionNumber", "1"),
        ("type", product.document),
        ("process.processType", product.process),
    ):
        _add(root, name, text)
    _add_party(root, "sender", product.sender, BSP_ROLE)
    _add_party(root, "receiver", product.receiver, OPERATOR_ROLE)
    _add(root, "createdDateTime", created.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add_interval(root, "reserveBid_Period.timeInterval", grid.start, grid.end)
    _add(root, "domain.mRID", product.domain, codingScheme=EIC)
    _add_party(root, "subject", product.sender, BSP_ROLE)
    for bid in bids:
        _add_bid(root, product, grid, bid)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def bids_in(content: bytes) -> list[ReserveBid]:
    """Return the bids of a reserve bid document; raise CorruptDocument where it is none."""
    with_faults = _Reading(content, "ReserveBid_MarketDocument")
    return [with_faults.bid(series) for series in with_faults.all("Bid_TimeSeries")]


def acknowledgement_in(content: bytes) -> Acknowledgement:
    """Return what an acknowledgement document says; raise CorruptDocument where it is none."""
    reading = _Reading(content, "Acknowledgement_MarketDocument")
    reasons = list(reading.all("Reason"))
    codes = [reading.text(reason, "code") for reason in reasons]
    created = _optional(reading.root, "createdDateTime")
    words = [_optional(reason, "text") for reason in reading.anywhere("Reason")]
    return Acknowledgement(
        document=reading.text(reading.root, "received_MarketDocument.mRID"),
        accepted=bool(codes) and all(code == ACCEPTED for code in codes),
        words="; ".join(word for word in words if word),
        id=_optional(reading.root, "mRID"),
        created=reading.instant(created) if created else None,
    )


def allocation_in(content: bytes) -> Allocation:
    """Return what an allocation result document says of a day; raise CorruptDocument where none.

    Its form is the older one of ENTSO-E's reserve resource process, whose values are attributes `v`.
    """
    reading = _Reading(content, "ReserveAllocationResultDocument")
    (period,) = reading.one_or_none(reading.anywhere("Period"))
    span = reading.value(period, "TimeInterval").partition("/")
    start, end = reading.instant(span[0]), reading.instant(span[2])
    intervals = [child for child in period if _local(child) == "Interval"]
    minutes, rest = divmod(int((end - start).total_seconds()), 60 * max(len(intervals), 1))
    places = [reading.value(interval, "Pos") for interval in intervals]
    if rest or places != [str(n) for n in range(1, len(intervals) + 1)]:
        raise CorruptDocument("an allocation result without one interval for each part of its day")
    return Allocation(
        grid=MtuGrid(start, minutes, len(intervals)),
        quantities=tuple(reading.number(reading.value(i, "Qty")) for i in intervals),
        prices=tuple(reading.number(reading.value(i, "Price")) for i in intervals),
    )


def _add_bid(root: ET.Element, product: ReserveProduct, grid: MtuGrid, bid: ReserveBid) -> None:
    series = ET.SubElement(root, "Bid_TimeSeries")
    _add(series, "mRID", bid.id)
    _add(series, "auction.mRID", product.auction)
    _add(series, "businessType", product.business)
    for side in ("acquiring", "connecting"):
        _add(series, f"{side}_Domain.mRID", product.domain, codingScheme=EIC)
    for name, text in (
        ("quantity_Measurement_Unit.name", "MAW"),
        ("currency_Unit.name", product.currency),
        ("price_Measurement_Unit.name", "MAW"),
        ("divisible", "A01"),
        ("blockBid", "A02"),
        ("flowDirection.direction", product.direction),
        ("marketAgreement.type", product.agreement),
    ):
        _add(series, name, text)
    period = ET.SubElement(series, "Period")
    _add_interval(period, "timeInterval", bid.start, bid.end)
    _add(period, "resolution", f"PT{grid.minutes}M")
    point = ET.SubElement(period, "Point")
    _add(point, "position", "1")
    _add(point, "quantity.quantity", f"{bid.quantity:f}")
    _add(point, "price.amount", f"{bid.price:f}")


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def _add_party(parent: ET.Element, who: str, code: str, role: str) -> None:
    _add(parent, f"{who}_MarketParticipant.mRID", code, codingScheme=EIC)
    _add(parent, f"{who}_MarketParticipant.marketRole.type", role)


def _add_interval(parent: ET.Element, name: str, start: datetime, end: datetime) -> None:
    interval = ET.SubElement(parent, name)
    for edge, instant in (("start", start), ("end", end)):
        _add(interval, edge, instant.strftime("%Y-%m-%dT%H:%MZ"))


class _Reading:
    """A document from outside, read with errors that say what is missing."""

    def __init__(self, content: bytes, kind: str) -> None:
        self.root = _parsed(content)
        if _local(self.root) != kind:
            raise CorruptDocument(f"a {_local(self.root)} where a {kind} is expected")

    def all(self, name: str) -> Iterator[ET.Element]:
        return (child for child in self.root if _local(child) == name)

    def anywhere(self, name: str) -> Iterator[ET.Element]:
        return (element for element in self.root.iter() if _local(element) == name)

    def one_or_none(self, found: Iterable[ET.Element]) -> tuple[ET.Element]:
        listed = list(found)
        if len(listed) != 1:
            raise CorruptDocument(f"{len(listed)} periods where one is expected")
        return (listed[0],)

    def text(self, parent: ET.Element, name: str) -> str:
        found = _optional(parent, name)
        if not found:
            raise CorruptDocument(f"no {name} in {_local(parent)}")
        return found

    def value(self, parent: ET.Element, name: str) -> str:
        for child in parent:
            if _local(child) == name and "v" in child.attrib:
                return str(child.attrib["v"])
        raise CorruptDocument(f"no {name} in {_local(parent)}")

    def number(self, text: str) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise CorruptDocument(f"{text[:40]!r} is not a number")
        return number

    def instant(self, text: str) -> datetime:
        try:
            return parse_instant(text)
        except InvalidInput as error:
            raise CorruptDocument(error.message) from error

    def bid(self, series: ET.Element) -> ReserveBid:
        (period,) = self.one_or_none(child for child in series if _local(child) == "Period")
        interval = next((child for child in period if _local(child) == "timeInterval"), period)
        point = next((child for child in period if _local(child) == "Point"), period)
        return ReserveBid(
            id=self.text(series, "mRID"),
            start=self.instant(self.text(interval, "start")),
            end=self.instant(self.text(interval, "end")),
            quantity=self.number(self.text(point, "quantity.quantity")),
            price=self.number(self.text(point, "price.amount")),
        )


def _parsed(content: bytes) -> ET.Element:
    try:
        root: ET.Element = fromstring(content)
    except (ET.ParseError, DefusedXmlException, ValueError) as error:
        raise CorruptDocument(f"not XML that may be read: {type(error).__name__}") from error
    return root


def _local(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _optional(parent: ET.Element, name: str) -> str:
    return next((child.text or "" for child in parent if _local(child) == name), "").strip()
