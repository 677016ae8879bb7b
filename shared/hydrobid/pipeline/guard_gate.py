"""The guard: from the submission cut-off to gate closure, it ends the day whatever else has died.

Every minute it finds the delivery day whose gate is about to close and does what is still to be
done: it settles, merges and reconciles the newest run, or plans one where there is none. What it
cannot mend it tells. A while after the gate it looks once more, and closes the orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import ClientId, PriceArea, RunId
from hydrobid.domain.messages import GuardTick
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import Alert
from hydrobid.domain.states import RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import raise_alert, raising, resolve_alerts
from hydrobid.pipeline.arrivals import tell_unused
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.ports import Callbacks, Clock, Documents, Exchange, Transaction, Write
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_run import newest_run
from hydrobid.pipeline.run_inputs import configuration_in, plan_of
from hydrobid.pipeline.submission import Submission
from hydrobid.pipeline.submit_bid import told_the_end
from hydrobid.schema import configuration_of

LAST_LOOK = timedelta(minutes=5)
"""How long after the gate orders are still looked at, to close them."""

LAST_TICKS = timedelta(minutes=2)
"""So long before the gate silence counts at the latest: one of the guard's ticks may be lost."""


@dataclass(frozen=True)
class Guarded:
    """What a tick found.

    day: the delivery day whose gate is near, None where none is. state: how its newest run ended,
    None while it goes on.
    """

    day: date | None = None
    state: RunState | None = None


def guard_gate(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: GuardTick,
    at: datetime,
    holder: str,
) -> Guarded:
    """Do what is still to be done for the day whose gate is about to close at `at`.

    at: when the message was sent, aware; a tick that comes late speaks of its own minute.

    Raises:
        RetryableError: to be redelivered, though the next tick would do as well.
    """
    configuration = _configuration(documents, clock, message.client, at)
    if configuration is None:
        return Guarded()
    day = _guarded_day(configuration, at)
    if day is None:
        return Guarded()
    run = newest_run(documents, configuration.market.id, day)
    if run is None:
        run = _planned_late(documents, clock, configuration, day)
    plan = None if run is None else _readable_plan(documents, clock, configuration, run)
    if plan is None:
        return Guarded(day)
    submission = Submission(documents, clock, exchange, plan, holder)
    submission.end("submission", silence=_silence_counts(documents, clock, plan))
    if plan.run != run:
        # What the newest run had approved is brought to stand all the same.
        submission.reconcile(plan.price_areas)
    state = told_the_end(documents, clock, callbacks, plan)
    for before, areas in _dropped(documents, plan):
        older = replace(submission, plan=before)
        older.submit(areas, at_cut_off=True, silence=_silence_counts(documents, clock, before))
        told_the_end(documents, clock, callbacks, before)
    tell_unused(documents, clock, plan)
    submission.raise_failed()
    return Guarded(day, state)


def _configuration(
    documents: Documents, clock: Clock, client: ClientId, at: datetime
) -> ClientConfiguration | None:
    """Return what the client is configured to bid; tell, once a day, where that is nothing."""
    try:
        current = current_inputs(documents)
        configuration = configuration_of(get_blob(documents, current.configuration))
    except PermanentError as error:
        raise_alert(
            documents,
            clock,
            Cause(client, AlertCode.CLIENT_WITHOUT_INPUTS, at.date().isoformat()),
            f"{client} is guarded but has nothing that could be bid: {error.message}",
            {"error": error.as_document()},
        )
        return None
    told = documents.find(paths.ALERTS, code=AlertCode.CLIENT_WITHOUT_INPUTS).values()
    resolve_alerts(documents, clock, [Alert.from_document(alert).cause for alert in told])
    return configuration


def _guarded_day(configuration: ClientConfiguration, at: datetime) -> date | None:
    """Return the delivery day whose guard is on at an instant, None where there is none."""
    market = configuration.market
    day = market.next_open_day(at - LAST_LOOK)
    cut_offs = configuration.cut_offs_of(day)
    return day if cut_offs.submission <= at < cut_offs.gate + LAST_LOOK else None


def _planned_late(
    documents: Documents, clock: Clock, configuration: ClientConfiguration, day: date
) -> RunId | None:
    """Plan the run that nobody planned; None where that cannot be done. Both are told."""
    missing = _without_run(configuration, day)

    def told(transaction: Transaction, run: RunId) -> tuple[Write, ...]:
        return raising(
            transaction,
            clock,
            Cause(str(run), AlertCode.RUN_BY_GUARD, missing.subject),
            f"{day} had no run shortly before its gate: the guard bids what needs no solving",
            {"day": day.isoformat()},
        )

    try:
        request = PlanRequest(client=configuration.client, day=day)
        return plan_run(documents, clock, request, telling_of_first=told).plan.run
    except PermanentError as error:
        raise_alert(
            documents,
            clock,
            missing,
            f"{day} has no run, and none can be planned: {error.message}",
            {"day": day.isoformat(), "error": error.as_document()},
        )
        return None


def _readable_plan(
    documents: Documents, clock: Clock, configuration: ClientConfiguration, run: RunId
) -> Plan | None:
    """Return a day's newest plan that can be read, None where none can; tell where it is not the newest."""
    missing = _without_run(configuration, run.day)
    for revision in reversed(run.revisions):
        try:
            plan = plan_of(documents, revision)
        except PermanentError as error:
            raise_alert(
                documents,
                clock,
                missing,
                f"{run.day} has run {revision}, but its plan cannot be read: {error.message}",
                {"day": run.day.isoformat(), "error": error.as_document()},
            )
        else:
            if revision == run:
                resolve_alerts(documents, clock, [missing])
            return plan
    return None


def _silence_counts(documents: Documents, clock: Clock, plan: Plan) -> bool:
    """Whether nobody having decided on a run's bids counts as silence by now.

    From the approval cut-off on that its workflow was told, which a late start has moved.
    """
    solve = timedelta(seconds=configuration_in(documents, plan).stages.solve.timeout)
    approval = plan.cut_offs.from_now(plan.planned_at, solve).approval
    return clock.now() >= min(approval, plan.cut_offs.gate - LAST_TICKS)


def _dropped(documents: Documents, newest: Plan) -> Iterator[tuple[Plan, list[PriceArea]]]:
    """Yield older runs of a day with the price areas that they have bid in and none after them has."""
    known = {(newest.portfolio, area) for area in newest.price_areas}
    for run in reversed(newest.run.revisions[:-1]):
        try:
            plan = plan_of(documents, run)
        except PermanentError:
            continue
        dropped = [a for a in plan.price_areas if (plan.portfolio, a) not in known]
        stored = documents.get_many([paths.area(run, plan.portfolio, area) for area in dropped])
        bid = [area for area, record in zip(dropped, stored, strict=True) if record is not None]
        known |= {(plan.portfolio, area) for area in bid}
        if bid:
            yield plan, bid


def _without_run(configuration: ClientConfiguration, day: date) -> Cause:
    subject = f"{configuration.market.id}~{day.isoformat()}"
    return Cause(subject, AlertCode.DAY_WITHOUT_RUN, subject)
