"""The record of a price area's bid: read, and held against what a person takes it to be."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.errors import BidChanged, GateClosed, NotFound
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import later_revisions
from hydrobid.pipeline.ports import Clock, Documents, Transaction


def area_at(at: Documents | Transaction, plan: Plan, price_area: PriceArea) -> AreaRecord:
    """Return the record of a run's price area; raise NotFound."""
    path = paths.area(plan.run, plan.portfolio, price_area)
    stored = at.get(path)
    if stored is None:
        raise NotFound(f"{plan.run} has no bid for {price_area} yet", run=str(plan.run))
    return AreaRecord.from_document(stored, path)


def later_bids(documents: Documents, record: AreaRecord) -> Iterator[AreaRecord]:
    """Yield the bids that newer revisions have for the price area of one."""
    later = later_revisions(documents, record.run)
    newer = [paths.area(run, record.portfolio, record.price_area) for run in later]
    for stored in documents.get_many(newer):
        if stored is not None:
            yield AreaRecord.from_document(stored)


def check_open(clock: Clock, plan: Plan) -> None:
    """Return while a run's gate is open; raise GateClosed after."""
    gate, day = plan.cut_offs.gate, plan.run.day.isoformat()
    if clock.now() >= gate:
        raise GateClosed(
            f"the gate for {day} closed at {utc_text(gate)}: what stood then counts",
            day=day,
            gate=utc_text(gate),
        )


def check_content(record: AreaRecord, matrix: str | None) -> None:
    """Return where a bid is the one that was looked at; raise BidChanged."""
    if record.matrix != matrix:
        raise BidChanged(
            f"the bid for {record.price_area} is another by now: look at it again",
            price_area=record.price_area,
            given=matrix,
            matrix=record.matrix,
        )
