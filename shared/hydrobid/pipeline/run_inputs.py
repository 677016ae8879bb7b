"""What a stored run is made from, read back by its digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydrobid.bidding.methods import method_of
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.position import Position
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.daily import daily_problem
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.levels import at_the_day
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.schema import configuration_of


def plan_of(documents: Documents, run: RunId) -> Plan:
    """Return the plan of a run, or raise NotFound."""
    path = paths.run(run)
    stored = documents.get(path)
    if stored is None:
        raise NotFound(f"no run {run}", run=str(run))
    return Plan.from_document(stored, path)


def configuration_in(documents: Documents, plan: Plan) -> ClientConfiguration:
    """Return the configuration that a run was planned from."""
    return configuration_of(get_blob(documents, plan.inputs.configuration))


def asset_plan(plan: Plan, asset: AssetId) -> AssetPlan:
    """Return an asset's part of a plan, or raise NotFound."""
    found = plan.asset(asset)
    if found is None:
        raise NotFound(f"run {plan.run} has no asset {asset}", run=str(plan.run), asset=asset)
    return found


def asset_inputs(
    documents: Documents, plan: Plan, asset: AssetPlan
) -> tuple[ClientConfiguration, AssetConfiguration, ScenarioSet]:
    """Return the configuration, the asset's own part of it and the set that it is solved on.

    The asset's levels are those of the day's beginning: planner, solver and aggregator ask its
    method apart, and have to ask it of the same asset.
    """
    configuration = configuration_in(documents, plan)
    own = asset_at_day(documents, plan, configuration, asset.asset)
    stored = get_blob(documents, plan.inputs.scenario_sets[asset.scenario_set])
    given = ScenarioSet.from_document(stored)
    return configuration, own, method_of(own).scenarios(own, given)


def position_in(documents: Documents, plan: Plan) -> Position | None:
    """Return where a run starts from, None where its delivery day stands by itself."""
    stored = plan.inputs.position
    return None if stored is None else Position.from_document(get_blob(documents, stored))


def asset_at_day(
    documents: Documents, plan: Plan, configuration: ClientConfiguration, asset: AssetId
) -> AssetConfiguration:
    """Return an asset with the levels that are expected when the run's delivery day begins.

    Bids and tails of curves that are made without a solver go by these.
    """
    own, position = configuration.asset(asset), position_in(documents, plan)
    sold = None if position is None else position.assets[asset]
    if sold is None or not sold.volumes:
        return own
    horizon = Horizon.mixed(sold.since, configuration.market.grid(plan.run.day))
    watercourse = at_the_day(own.watercourse, horizon, sold.volumes)
    return own.model_copy(update={"watercourse": watercourse})


@dataclass(frozen=True)
class AssetSolves:
    """What is solved for an asset: one problem, and scenarios of it by name.

    own: as `asset_inputs` has it. The problem begins with the levels as published.
    """

    market: Market
    grid: MtuGrid
    own: AssetConfiguration
    problem: Problem
    scenarios: ScenarioSet

    @classmethod
    def read(cls, documents: Documents, plan: Plan, asset: AssetPlan) -> AssetSolves:
        """Return what a plan asks of a solver for an asset."""
        configuration, own, scenarios = asset_inputs(documents, plan, asset)
        position, grid = position_in(documents, plan), configuration.market.grid(plan.run.day)
        watercourse, planned = configuration.asset(asset.asset).watercourse, configuration.horizon
        if position is None or planned is None:
            alone = Problem.of(watercourse, grid)
            return cls(configuration.market, grid, own, alone, scenarios)
        sold = position.assets[asset.asset]
        whole = Horizon.mixed(sold.since, grid, planned.later)
        horizon = whole.shortened(whole.delivery.stop + scenarios.later_periods)
        problem = daily_problem(watercourse, horizon, sold.volumes)
        return cls(configuration.market, grid, own, problem, scenarios)

    def of(self, ids: Sequence[ScenarioId]) -> dict[ScenarioId, Scenario]:
        """Return scenarios by name, in that order."""
        area = self.own.price_area
        return {id_: Scenario.out_of(self.scenarios, area, id_, self.problem) for id_ in ids}
