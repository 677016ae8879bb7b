"""What auctions came to: asked for where it is not known yet, and waited for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date, timedelta

from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import ResultsDue
from hydrobid.domain.plan import Plan
from hydrobid.domain.results import AuctionResult
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Clock, Documents, Messages
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_results import results_of
from hydrobid.pipeline.read_run import newest_run
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.schema import configuration_of

LOOKS_A_SECOND = 4


def plan_of_day(documents: Documents, clock: Clock, day: date | None) -> Plan:
    """Return the newest plan of a day, the last one whose gate has closed if None."""
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    market = configuration.market
    day = day or market.next_open_day(clock.now()) - timedelta(days=1)
    run = newest_run(documents, market.id, day)
    if run is None:
        raise NotFound(f"{day} was not bid: it has no run", day=day.isoformat())
    return plan_of(documents, run)


def awaited_results(
    documents: Documents, messages: Messages, plan: Plan, seconds: float
) -> dict[PriceArea, AuctionResult]:
    """Return the results once all are final, or what there is of them when time is up."""
    until = time.monotonic() + seconds
    found = results_of(documents, plan)
    if not all_final(plan, found):
        messages.publish(ResultsDue(client=plan.client))
    while not all_final(plan, found) and time.monotonic() < until:
        time.sleep(1 / LOOKS_A_SECOND)
        found = results_of(documents, plan)
    return found


def all_final(plan: Plan, found: Mapping[PriceArea, AuctionResult]) -> bool:
    """Whether every price area of a run has its final result."""
    return all(
        area in found and found[area].published.status == "final" for area in plan.price_areas
    )
