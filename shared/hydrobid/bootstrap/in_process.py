"""The whole pipeline in one process, on the memory adapters: for tests and experiments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from hydrobid.adapters.memory import (
    InProcessJointSolver,
    MemoryCallbacks,
    MemoryClock,
    MemoryDailyBids,
    MemoryDocuments,
    MemoryExchange,
    MemoryMessages,
    MemoryNotifier,
)
from hydrobid.domain.configuration import COMMITMENT_SOLVER, OWN_SOLVER
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.messages import (
    ApprovalDecided,
    AssetBid,
    AssetSettled,
    CutOffReached,
    DryRunAsked,
    GuardTick,
    HoldChanged,
    InputsArrived,
    Message,
    ResultsDue,
)
from hydrobid.domain.plan import Plan
from hydrobid.hydro.joint import solved_jointly
from hydrobid.hydro.optimise import optimise_problem
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline.aggregate_asset import aggregate_asset
from hydrobid.pipeline.alerts import send_alerts
from hydrobid.pipeline.arrivals import start_after_arrival
from hydrobid.pipeline.dry_run import do_dry_run
from hydrobid.pipeline.fetch_results import fetch_results
from hydrobid.pipeline.guard_gate import guard_gate
from hydrobid.pipeline.plan_run import PlannedRun, PlanRequest, plan_run
from hydrobid.pipeline.ports import Notifier, Solver, Solvers
from hydrobid.pipeline.read_run import RunView, read_run
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.pipeline.submit_bid import (
    submit_asset_bid,
    submit_at_cut_off,
    submit_for_desk,
)


@dataclass
class InProcessPipeline:
    """One client's pipeline, whose market time stands still unless it is advanced."""

    clock: MemoryClock
    exchange: MemoryExchange
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    messages: MemoryMessages = field(default_factory=MemoryMessages)
    callbacks: MemoryCallbacks = field(default_factory=MemoryCallbacks)
    notifier: Notifier = field(default_factory=MemoryNotifier)
    solver: Solver = field(
        default_factory=lambda: InProcessJointSolver(solve_problem, solved_jointly)
    )
    bids: MemoryDailyBids = field(default_factory=MemoryDailyBids)
    _handled: int = 0

    @classmethod
    def starting_at(cls, now: datetime) -> InProcessPipeline:
        """Return an empty pipeline at a market time."""
        clock = MemoryClock(now)
        return cls(clock, MemoryExchange(clock))

    @property
    def solvers(self) -> Solvers:
        """Our own solvers by name."""
        committed = partial(solved_jointly, commitment=True)
        return {
            OWN_SOLVER: self.solver,
            COMMITMENT_SOLVER: InProcessJointSolver(optimise_problem, committed),
        }

    def plan(self, client: ClientId, day: date | None = None) -> PlannedRun:
        """Plan the run of what is current."""
        return plan_run(self.documents, self.clock, PlanRequest(client=client, day=day))

    def solve(self, plan: Plan) -> None:
        """Solve every task of a plan and publish that its assets have settled."""
        for asset in plan.assets:
            for task in asset.tasks:
                request = TaskRequest(
                    client=plan.client, run=plan.run, asset=asset.asset, task=task.id
                )
                solve_task(self.documents, self.clock, self.solvers, request)
            self.messages.publish(AssetSettled(client=plan.client, run=plan.run, asset=asset.asset))

    def deliver(self) -> None:
        """Deliver messages, and those that they lead to, until none is left."""
        while self.messages.waiting:
            self.handle(self.messages.waiting.popleft())

    def handle(self, message: Message) -> None:
        """Give one message to the function that its topic is pushed to, and tell its alerts."""
        try:
            self._act(message)
        finally:
            send_alerts(self.documents, self.clock, (self.notifier,))

    def _act(self, message: Message) -> None:
        ports = (self.documents, self.clock, self.exchange, self.callbacks)
        self._handled += 1
        holder = f"in-process-{self._handled}"
        match message:
            case AssetSettled():
                aggregate_asset(self.documents, self.clock, self.messages, message)
            case AssetBid():
                submit_asset_bid(*ports, message, holder)
            case CutOffReached():
                submit_at_cut_off(*ports, message, holder)
            case HoldChanged() | ApprovalDecided():
                submit_for_desk(*ports, message, holder)
            case GuardTick():
                guard_gate(*ports, message, self.clock.now(), holder)
            case DryRunAsked():
                do_dry_run(self.documents, self.clock, self.exchange, message)
            case InputsArrived():
                start_after_arrival(self.documents, self.clock, self.bids, message.client)
            case ResultsDue():
                fetch_results(self.documents, self.clock, self.exchange)
            case _:
                raise TypeError(f"no function takes {type(message).__name__}")

    def run(self, client: ClientId, day: date | None = None) -> RunView:
        """Plan, solve, aggregate and submit; return the run as it stands then."""
        planned = self.plan(client, day)
        if not planned.done:
            self.solve(planned.plan)
            self.deliver()
        return read_run(self.documents, planned.plan.run)
