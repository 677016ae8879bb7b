"""The outcome of an asset's joint task as the aggregator reads it: its bid, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from hydrobid.bidding.methods import joint_method_of
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.plan import AssetPlan, Plan, Task
from hydrobid.domain.records import Attempt, JointOutcome
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import OutcomeState
from hydrobid.pipeline import paths
from hydrobid.pipeline.absence import reason_of
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents

JOINT_USED = str(OutcomeState.SOLVED)


@dataclass(frozen=True)
class JointBid:
    """state: SOLVED, or why there is no result. curves: the digest of what was found."""

    state: str
    curves: str | None

    @property
    def found(self) -> bool:
        """Whether the task found what a bid is made of."""
        return self.curves is not None

    def bid(
        self,
        documents: Documents,
        plan: Plan,
        configuration: ClientConfiguration,
        own: AssetConfiguration,
        scenarios: ScenarioSet,
    ) -> BidMatrix | None:
        """Return the bid made of what was found, None where nothing was."""
        method = joint_method_of(own)
        if self.curves is None or method is None:
            return None
        market, grid = configuration.market, configuration.market.grid(plan.run.day)
        program = method.program(market, grid, own, scenarios)
        found = program.read(get_blob(documents, self.curves))
        return method.joint_bid(market, grid, own, program, found)


def joint_outcome(documents: Documents, plan: Plan, asset: AssetPlan) -> JointBid | None:
    """Return what an asset's joint task came to, None where it has none.

    Of one that cannot be read it is said that it is not there for that reason.
    """
    task = asset.joint
    if task is None:
        return None
    try:
        return _read(documents, plan, asset, task)
    except CorruptDocument as error:
        return JointBid(error.code, None)


def _read(documents: Documents, plan: Plan, asset: AssetPlan, task: Task) -> JointBid:
    stored = documents.get(paths.task(plan.run, asset.asset, task.id))
    if stored is None:
        key = f"{asset.asset}~{task.id}"
        found = documents.find(paths.attempts(plan.run), task=key).values()
        attempts = sorted(map(Attempt.from_document, found), key=lambda one: one.number)
        return JointBid(reason_of(attempts, None), None)
    outcome = JointOutcome.from_document(stored)
    code = JOINT_USED if outcome.failure is None else str(outcome.failure["code"])
    return JointBid(code, outcome.curves)
