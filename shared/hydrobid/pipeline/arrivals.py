"""New prices start a run once nothing more has arrived for a while.

An execution of the daily bid waits out the pause, asking how long it still is. While it waits, what
arrives starts no other: it plans from what is current then. The claim by which others know of it is
dropped before that is read, so that nothing arrives unseen in between. Nobody waits beyond the solve
cut-off: what is left until the gate is for solving.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import ceil
from typing import Annotated, Protocol

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.plan import Plan
from hydrobid.domain.series import OF_SCENARIOS, SeriesVersion
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import raise_alert
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.freshness import unused_in
from hydrobid.pipeline.plan_run import PlanRequest, has_news
from hydrobid.pipeline.ports import Clock, Documents, Put, Transaction
from hydrobid.pipeline.publish_inputs import CurrentInputs, current_inputs
from hydrobid.pipeline.read_run import newest_run
from hydrobid.schema import configuration_of

MOST_PAUSES = 5
"""How many pauses long a run is put off at most, however much arrives."""
GRACE = timedelta(minutes=5)
"""How much later than it should an execution may ask before it is taken for lost."""


class DailyBids(Protocol):
    """Where the daily bid is started."""

    def start(self, client: ClientId, day: date) -> None:
        """Start an execution that waits for the pause, and plans then."""
        ...


class Arrival(Value):
    """The claim of an execution that waits. since: market time. until: real time at which it ends.

    started: whether the execution is sure to be there; until then a repetition starts it again.
    """

    since: datetime
    until: datetime
    started: Annotated[bool, Field(strict=True)] = False


def start_after_arrival(
    documents: Documents, clock: Clock, bids: DailyBids, client: ClientId
) -> str:
    """Have a run made of new prices after the pause, and return what was done, in words.

    Raises:
        RetryableError: to be redelivered.
    """
    current = current_inputs(documents)
    configuration = configuration_of(get_blob(documents, current.configuration))
    if configuration.inputs.debounce is None:
        return "arrivals start no run"
    day = configuration.market.next_open_day(clock.now())
    try:
        if not has_news(documents, clock, PlanRequest(client=client, day=day)):
            return f"the run of {day} is made from this already"
    except PermanentError as error:
        return f"no run for {day}: {error.message}"
    claim = documents.transact(lambda transaction: _claim(transaction, clock, configuration))
    if claim is None:
        return "an execution waits already"
    bids.start(client, day)
    documents.transact(lambda transaction: _note_started(transaction, claim))
    return f"a run for {day} after the pause"


def seconds_to_wait(documents: Documents, clock: Clock) -> int:
    """Return how long an execution that was started by an arrival still waits, 0 when it may plan."""
    current = current_inputs(documents)
    configuration = configuration_of(get_blob(documents, current.configuration))
    pause = _pause(configuration)
    stored = documents.get(paths.ARRIVAL)
    now = clock.now()
    latest = current.as_of + pause
    if stored is not None:
        latest = min(latest, Arrival.from_document(stored).since + MOST_PAUSES * pause)
    solve = configuration.cut_offs_of(configuration.market.next_open_day(now)).solve
    left = ceil(round((min(latest, solve) - now).total_seconds(), 3))
    if left > 0:
        return left
    documents.transact(lambda transaction: _drop(transaction, clock))
    return 0


def tell_unused(documents: Documents, clock: Clock, plan: Plan) -> None:
    """Tell of new scenarios that the day's newest run is not made from, and that nobody waits for.

    plan: the newest run's. An execution that was started for them has died. The alert goes with
    the run that is made from them.
    """
    current = current_inputs(documents)
    configuration = configuration_of(get_blob(documents, current.configuration))
    stored = documents.get(paths.ARRIVAL)
    waiting = stored is not None and Arrival.from_document(stored).until > clock.real_now()
    unused = _unused(current, plan)
    if configuration.inputs.debounce is None or waiting or not unused:
        return
    try:
        if not has_news(documents, clock, PlanRequest(client=plan.client, day=plan.run.day)):
            return
    except PermanentError:
        return  # no run could be made from them
    arrived = utc_text(max(one.published for one in unused.values()).replace(microsecond=0))
    raise_alert(
        documents,
        clock,
        unused_in(plan.run),
        f"{', '.join(sorted(unused))}, published by {arrived}: in no run of {plan.run.day}",
        {"run": str(plan.run), "series": {n: v.to_document() for n, v in sorted(unused.items())}},
        still=lambda transaction: (
            newest_run(transaction, plan.run.market, plan.run.day) == plan.run
        ),
    )


def _unused(current: CurrentInputs, plan: Plan) -> dict[str, SeriesVersion]:
    """Return the scenarios of a plan's sets that arrived and are others than it is made from."""
    sets = {asset.scenario_set for asset in plan.assets}
    return {
        f"{kind} of {name}": version
        for kind in OF_SCENARIOS
        for name, version in current.series.get(kind, {}).items()
        if name in sets and plan.series.get(kind, {}).get(name) != version
    }


def _pause(configuration: ClientConfiguration) -> timedelta:
    return timedelta(seconds=configuration.inputs.debounce or 0)


def _claim(
    transaction: Transaction, clock: Clock, configuration: ClientConfiguration
) -> Arrival | None:
    """Return the claim of an execution that is to be started, None where one waits."""
    stored = transaction.get(paths.ARRIVAL)
    if stored is not None:
        before = Arrival.from_document(stored)
        if before.until > clock.real_now():
            return None if before.started else before
    until = clock.real_now() + MOST_PAUSES * _pause(configuration) + GRACE
    claim = Arrival(since=clock.now(), until=until)
    transaction.write(Put(paths.ARRIVAL, claim.to_document()))
    return claim


def _note_started(transaction: Transaction, claim: Arrival) -> None:
    stored = transaction.get(paths.ARRIVAL)
    # The execution may have dropped it by now.
    if stored is not None and Arrival.from_document(stored) == claim:
        started = claim.model_copy(update={"started": True})
        transaction.write(Put(paths.ARRIVAL, started.to_document()))


def _drop(transaction: Transaction, clock: Clock) -> None:
    stored = transaction.get(paths.ARRIVAL)
    if stored is not None:
        dropped = Arrival.from_document(stored).model_copy(update={"until": clock.real_now()})
        transaction.write(Put(paths.ARRIVAL, dropped.to_document()))
