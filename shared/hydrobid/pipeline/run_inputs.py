"""What a stored run is made from, read back by its digests."""

from __future__ import annotations

from hydrobid.bidding.methods import method_of
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import AssetId, RunId
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.schema import configuration_of


def plan_of(documents: Documents, run: RunId) -> Plan:
    """Return the plan of a run, or raise NotFound."""
    stored = documents.get(paths.run(run))
    if stored is None:
        raise NotFound(f"no run {run}", run=str(run))
    return Plan.from_document(stored)


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
    """Return the configuration, the asset's own part of it and the set that it is solved on."""
    configuration = configuration_in(documents, plan)
    own = configuration.asset(asset.asset)
    stored = get_blob(documents, plan.inputs.scenario_sets[asset.scenario_set])
    given = ScenarioSet.from_document(stored)
    return configuration, own, method_of(own).scenarios(own, given)
