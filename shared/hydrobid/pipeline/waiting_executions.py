"""Executions that wait for a run: registered, followed through their own solving, and called back.

A run that has ended may be run again, and then looks ended while its assets are being solved anew.
So an execution is told of the end only once what it asked for is in the bid, or when the time that
it has for solving is over.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from hydrobid.domain.base import Value
from hydrobid.domain.errors import DocumentExists
from hydrobid.domain.identifiers import AssetId, Identifier, RunId
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Callbacks, Clock, Create, Documents, Put, Transaction


class WaitingExecution(Value):
    """An execution that waits. callback: where it is called. solve_by: its own solve cut-off.

    settled: the assets that it has had solved and that submission has dealt with since.
    """

    callback: str
    registered: datetime
    solve_by: datetime
    settled: tuple[AssetId, ...] = ()


def register_execution(
    documents: Documents, plan: Plan, execution: Identifier, waiting: WaitingExecution
) -> None:
    """Have an execution called when a run ends; one that is registered stays as it is."""
    with suppress(DocumentExists):
        path = paths.execution(plan.run, execution)
        documents.commit(Create(path, waiting.to_document(), plan.kept_until))


def newest_registration(documents: Documents, run: RunId) -> datetime | None:
    """Return when the last execution that works on a run was registered; None: none was."""
    stored = documents.find(paths.executions(run)).values()
    return max((WaitingExecution.from_document(one).registered for one in stored), default=None)


def is_at_work(documents: Documents, run: RunId, besides: Identifier | None) -> bool:
    """Whether another execution was registered for a run before this one was."""
    known = {
        (WaitingExecution.from_document(stored).registered, name)
        for name, stored in documents.find(paths.executions(run)).items()
    }
    mine = next((rank for rank in known if rank[1] == besides), None)
    return mine is not None and min(known) != mine


def note_settled(
    documents: Documents, plan: Plan, execution: Identifier | None, asset: AssetId
) -> None:
    """Note that an asset that an execution had solved has been dealt with."""
    if execution is None:
        return
    path = paths.execution(plan.run, execution)

    def note(transaction: Transaction) -> None:
        stored = transaction.get(path)
        waiting = None if stored is None else WaitingExecution.from_document(stored)
        if waiting is not None and asset not in waiting.settled:
            settled = tuple(sorted({*waiting.settled, asset}))
            noted = waiting.model_copy(update={"settled": settled})
            transaction.write(Put(path, noted.to_document(), plan.kept_until))

    documents.transact(note)


def call_back(
    documents: Documents, clock: Clock, callbacks: Callbacks, plan: Plan, state: RunState
) -> None:
    """Tell every execution whose waiting for a run is over; those that are gone are ignored."""
    assets = {asset.asset for asset in plan.assets}
    for stored in documents.find(paths.executions(plan.run)).values():
        waiting = WaitingExecution.from_document(stored)
        solved = assets.issubset(waiting.settled) or clock.now() >= waiting.solve_by
        if solved or state is RunState.SUPERSEDED:
            callbacks.call(waiting.callback, {"run": str(plan.run), "state": str(state)})
