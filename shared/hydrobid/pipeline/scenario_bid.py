"""What an asset's solves have come to: a bid from its scenarios, or why they give none that is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hydrobid.bidding.coverage import coverage_of, shortfall
from hydrobid.bidding.methods import method_of
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import RunId, ScenarioId
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import ScenarioOutcome
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import AssetState, OutcomeState
from hydrobid.pipeline.absence import reasons_of_absence
from hydrobid.pipeline.joint_bid import JointBid, joint_outcome
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import find_outcomes
from hydrobid.pipeline.run_inputs import asset_inputs


@dataclass(frozen=True)
class Solved:
    """What an asset's tasks have found by now. unreadable: whose outcome is there and cannot be read.

    joint: what came of its joint task, None where it has none.
    """

    outcomes: Mapping[ScenarioId, ScenarioOutcome]
    unreadable: tuple[ScenarioId, ...]
    joint: JointBid | None

    @classmethod
    def read(cls, documents: Documents, plan: Plan, asset: AssetPlan) -> Solved:
        """Return what there is of an asset."""
        outcomes, unreadable = find_outcomes(documents, plan.run, asset.asset, asset.scenarios)
        return cls(outcomes, unreadable, joint_outcome(documents, plan, asset))

    @property
    def scenarios(self) -> set[ScenarioId]:
        """The scenarios that have a schedule."""
        return {s for s, o in self.outcomes.items() if o.state is OutcomeState.SOLVED}


@dataclass(frozen=True)
class ScenarioBid:
    """What the solves give. own: the asset with its levels of the day's beginning.

    shared: the bid that its joint task found. joint: SOLVED where there is one, else why not, None
    where its method has no such task. unsafe: why there is no bid.
    """

    plan: Plan
    configuration: ClientConfiguration
    own: AssetConfiguration
    scenarios: ScenarioSet
    solved: Solved
    coverage: Coverage
    shared: BidMatrix | None
    joint: str | None
    unsafe: str | None

    @classmethod
    def of(cls, documents: Documents, plan: Plan, asset: AssetPlan, solved: Solved) -> ScenarioBid:
        """Return what an asset's solves give."""
        configuration, own, scenarios = asset_inputs(documents, plan, asset)
        coverage = _coverage(documents, plan.run, asset, scenarios, solved)
        shared, joint = None, None
        if solved.joint is not None:
            joint = solved.joint.state
            try:
                shared = solved.joint.bid(documents, plan, configuration, own, scenarios)
            except CorruptDocument as error:
                joint = error.code
        unsafe = shortfall(own.coverage, scenarios, asset.price_area, coverage)
        unsafe = unsafe if shared is None else None
        return cls(plan, configuration, own, scenarios, solved, coverage, shared, joint, unsafe)

    @property
    def state(self) -> AssetState | None:
        """COMPLETE or PARTIAL, None where there is no bid."""
        if self.unsafe is not None:
            return None
        # Where independent scenarios stand in for a joint task, its bid may still come.
        whole = self.coverage.complete and self.joint is None
        return AssetState.COMPLETE if whole or self.shared is not None else AssetState.PARTIAL

    @cached_property
    def matrix(self) -> BidMatrix | None:
        """The bid, None where there is none."""
        if self.shared is not None or self.unsafe is not None:
            return self.shared
        outcomes = self.solved.outcomes.items()
        solved = {s: np.asarray(o.volumes) for s, o in outcomes if o.volumes is not None}
        market = self.configuration.market
        grid = market.grid(self.plan.run.day)
        return method_of(self.own).bid(market, grid, self.own, self.scenarios, solved)


def _coverage(
    documents: Documents, run: RunId, asset: AssetPlan, scenarios: ScenarioSet, solved: Solved
) -> Coverage:
    reasons = {
        scenario: str(outcome.failure["code"])
        for scenario, outcome in solved.outcomes.items()
        if outcome.failure is not None
    }
    reasons.update(dict.fromkeys(solved.unreadable, CorruptDocument.code))
    absent = [s for s in asset.scenarios if s not in solved.outcomes and s not in reasons]
    if absent:
        reasons.update(reasons_of_absence(documents, run, asset, absent))
    return coverage_of(scenarios, asset.price_area, asset.scenarios, solved.scenarios, reasons)
