"""The bids that a person can still do something about: of the days whose gates are open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import InvalidInput, PermanentError
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.order_records import has_newer
from hydrobid.pipeline.ports import Clock, Documents
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_run import readable_record
from hydrobid.pipeline.run_inputs import configuration_in, plan_of
from hydrobid.schema import configuration_of

DAYS_AHEAD = 14
"""How many delivery days are looked at, from the next one on whose gate is open."""

SHORTEST_NAME = 6
"""Digits of a digest that name a bid to a person."""


@dataclass(frozen=True)
class OpenBid:
    """A bid of a price area whose gate is open, and the order that it is for."""

    plan: Plan
    configuration: ClientConfiguration
    record: AreaRecord
    order: OrderRecord | None

    @property
    def waits(self) -> bool:
        """Whether a decision is asked for, or was until its time was over and still counts."""
        approval = self.record.approval
        expired = approval is not None and approval.state is ApprovalState.EXPIRED
        return (self.record.pending or expired) and not has_newer(self.order, self.record)

    def decide_by(self, now: datetime) -> datetime:
        """Return until when a decision counts: before silence does, or, after that, the gate."""
        cut_offs = self.plan.cut_offs
        in_time = self.record.pending and now < cut_offs.approval
        return cut_offs.approval if in_time else cut_offs.gate


def open_bids(documents: Documents, clock: Clock) -> list[OpenBid]:
    """Return the newest bid of each run and price area of the open days, by day, area and run.

    One that cannot be read, or of which it cannot be read what stands, is left out: an alert tells.

    Raises:
        NotFound: the client has no inputs.
    """
    return list(_open_bids(documents, clock))


def bid_named(documents: Documents, clock: Clock, name: str) -> OpenBid:
    """Return the open bid whose digest begins with `name`, of the newest run that has it.

    Raises:
        InvalidInput: there is none, or several differ. NotFound: the client has no inputs.
    """
    wanted = name.lower()
    bids = open_bids(documents, clock)
    found = [b for b in bids if b.record.matrix is not None and b.record.matrix.startswith(wanted)]
    digests = {bid.record.matrix for bid in found}
    if len(wanted) < SHORTEST_NAME or len(digests) != 1:
        known = sorted({str(b.record.matrix)[:12] for b in bids if b.record.matrix is not None})
        expected = f"the digest of an open bid, or its first digits: {', '.join(known) or 'none'}"
        raise InvalidInput.of("request", "bid", name, expected)
    return max(found, key=lambda bid: bid.record.fence)


def _open_bids(documents: Documents, clock: Clock) -> Iterator[OpenBid]:
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    market = configuration.market
    first = market.next_open_day(clock.now())
    days = [first + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)]
    for stored in documents.get_many([paths.day(market.id, day) for day in days]):
        if stored is not None:
            for run in RunId.parse(stored["newest"]).revisions:
                yield from _of_run(documents, run)


def _of_run(documents: Documents, run: RunId) -> Iterator[OpenBid]:
    try:
        plan = plan_of(documents, run)
        configuration = configuration_in(documents, plan)
    except PermanentError:
        return
    areas = plan.price_areas
    stored = documents.get_many(
        [
            *(paths.area(run, plan.portfolio, area) for area in areas),
            *(paths.order(run, plan.portfolio, area) for area in areas),
        ]
    )
    for stored_bid, stored_order in zip(stored[: len(areas)], stored[len(areas) :], strict=True):
        record = readable_record(AreaRecord, stored_bid)
        order = readable_record(OrderRecord, stored_order)
        if record is not None and (order is not None or stored_order is None):
            yield OpenBid(plan, configuration, record, order)
