"""The submission's use cases: an asset's bid arrived, a cut-off has passed, or the desk has acted."""

from __future__ import annotations

from contextlib import suppress

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.messages import ApprovalDecided, AssetBid, CutOffReached, HoldChanged
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import RunState
from hydrobid.pipeline.ports import Callbacks, Clock, Documents, Exchange
from hydrobid.pipeline.read_run import finished_state, newest_run, read_records
from hydrobid.pipeline.run_inputs import asset_plan, plan_of
from hydrobid.pipeline.submission import Submission
from hydrobid.pipeline.waiting_executions import call_back, note_settled


def submit_asset_bid(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: AssetBid,
    holder: str,
) -> RunState | None:
    """Bring an asset's area as far as it can go; return how the run ended, None while it goes on.

    holder: names this call in the lease of an order. Safe to repeat: what is done stays done, and
    whoever waits for a finished run is called again.

    Raises:
        NotFound: no such run or asset. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    area = asset_plan(plan, message.asset).price_area
    submission = Submission(documents, clock, exchange, plan, holder)
    submission.submit([area])
    submission.raise_failed()
    note_settled(documents, plan, message.execution, message.asset)
    return told_the_end(documents, clock, callbacks, plan)


def submit_at_cut_off(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: CutOffReached,
    holder: str,
) -> RunState | None:
    """Settle what is unsettled on what is there, mark the absent missing, and submit the rest.

    Returns how the run ended, None while it goes on. A run that a newer one has taken over is left
    as it is.

    Raises:
        NotFound: no such run. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    submission = Submission(documents, clock, exchange, plan, holder)
    submission.end(message.cut_off, silence=True)
    state = told_the_end(documents, clock, callbacks, plan)
    submission.raise_failed()
    return state


def submit_for_desk(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: HoldChanged | ApprovalDecided,
    holder: str,
) -> RunState | None:
    """Bring what stands in line with a hold that was set or lifted, or a bid that was decided on.

    Returns how the day's newest run ended, None while it goes on.

    Raises:
        NotFound: no such run. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    submission = Submission(documents, clock, exchange, plan, holder)
    submission.reconcile([message.price_area])
    submission.raise_failed()
    newest = newest_run(documents, plan.run.market, plan.run.day) or plan.run
    if newest != plan.run:
        told_the_end(documents, clock, callbacks, plan)
    return told_the_end(documents, clock, callbacks, plan_of(documents, newest))


def told_the_end(
    documents: Documents, clock: Clock, callbacks: Callbacks, plan: Plan
) -> RunState | None:
    """Return a finished run's state after telling every execution whose waiting is over.

    A run that ends may have taken over older revisions, whose executions wait as well.
    """
    state = finished_state(plan, read_records(documents, plan))
    if state is None:
        return None
    call_back(documents, clock, callbacks, plan, state)
    for older in plan.run.revisions[:-1]:
        with suppress(CorruptDocument):
            before = plan_of(documents, older)
            records = read_records(documents, before)
            if finished_state(before, records) is RunState.SUPERSEDED:
                call_back(documents, clock, callbacks, before, RunState.SUPERSEDED)
    return state
