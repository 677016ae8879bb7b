"""Each bid method through the whole pipeline: planned, solved, settled, submitted, diagnosed."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
from examples import CASCADE, DAY, SINTEF, published, with_asset_fields

from hydrobid.bidding.methods import METHODS
from hydrobid.cli.report.facts import gather
from hydrobid.cli.report.tables import asset_rows
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import AssetId, ScenarioId
from hydrobid.domain.states import AssetState, RunState
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.replay_scenario import replay_scenario
from hydrobid.schema import ClientInputs

PLANNED = {
    "blocks": 52,
    "exclusive_group": 52,
    "multi_scenario": 52,
    "price_shifts": 20,
    "price_independent": 1,
    "stochastic": 52,
    "water_value": 0,
}
ASSET = AssetId("shop-standard")


def few(name: str) -> dict[str, object]:
    """Return a method's settings, with few scenarios where it solves many together."""
    joint = {"scenarios": 6} if name in ("blocks", "exclusive_group", "stochastic") else {}
    return {"name": name, **joint}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_run__of_any_method_is_submitted_complete(sintef_inputs: ClientInputs, name: str):
    pipeline = published(with_asset_fields(sintef_inputs, method=few(name)))

    view = pipeline.run(SINTEF, DAY)

    record = view.assets[ASSET]
    assert (view.state, record.state) == (RunState.SUBMITTED, AssetState.COMPLETE)
    assert (record.coverage.planned, record.coverage.solved) == (PLANNED[name],) * 2
    (row,) = asset_rows(gather(pipeline.documents, view.plan.run))
    assert (row.planned, row.share) == (PLANNED[name], 1.0)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_diagnose__reads_every_methods_bid_at_the_clients_scenarios(
    sintef_inputs: ClientInputs, name: str
):
    pipeline = published(with_asset_fields(sintef_inputs, method=few(name)))
    view = pipeline.run(SINTEF, DAY)

    diagnosis = diagnose_run(pipeline.documents, pipeline.clock, view.plan.run)

    (area,) = diagnosis.areas
    (effect,) = area.assets
    assert effect.offered is not None
    assert effect.offered.energy > 0
    assert effect.unfounded.energy == 0
    assert area.offered == effect.offered


def test_run__mixes_methods_within_an_area(cascade_inputs: ClientInputs):
    configuration = copy.deepcopy(cascade_inputs.configuration)
    names = ("price_shifts", "water_value", "price_independent")
    for asset, name in zip(configuration["configuration"]["assets"], names, strict=True):
        asset["method"] = few(name)
    pipeline = published(ClientInputs(configuration, cascade_inputs.scenario_sets))

    view = pipeline.run(CASCADE, DAY)

    assert view.state is RunState.SUBMITTED
    assert {record.state for record in view.assets.values()} == {AssetState.COMPLETE}
    assert {record.coverage.planned for record in view.assets.values()} == {20, 0, 1}


def test_run__of_a_derived_scenario_that_is_absent_falls_back(sintef_inputs: ClientInputs):
    inputs = with_asset_fields(sintef_inputs, method={"name": "price_independent"})
    pipeline = published(inputs)
    planned = pipeline.plan(SINTEF, DAY)

    pipeline.solve(planned.plan.model_copy(update={"assets": _without_tasks(planned.plan.assets)}))
    pipeline.deliver()

    run = planned.plan.run
    record = diagnose_run(pipeline.documents, pipeline.clock, run).assets[0]
    (effect,) = diagnose_run(pipeline.documents, pipeline.clock, run).areas[0].assets
    assert (record.state, record.fallback) == (AssetState.FALLBACK, "water_value")
    assert [a.scenarios for a in record.absences] == [("expected",)]
    assert effect.offered == effect.unfounded


def _without_tasks(assets):
    return tuple(asset.model_copy(update={"tasks": ()}) for asset in assets)


def test_replay__solves_a_derived_scenario_again(sintef_inputs: ClientInputs):
    inputs = with_asset_fields(sintef_inputs, method={"name": "price_shifts", "shifts": 3})
    pipeline = published(inputs)
    run = pipeline.run(SINTEF, DAY).plan.run

    found = replay_scenario(
        pipeline.documents, pipeline.clock, pipeline.solvers, run, ASSET, ScenarioId("minus-10")
    )

    assert found.equal


def test_replay__of_what_needed_no_solving_says_so(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, method={"name": "water_value"}))
    run = pipeline.run(SINTEF, DAY).plan.run

    with pytest.raises(NotFound, match="it has none"):
        replay_scenario(
            pipeline.documents, pipeline.clock, pipeline.solvers, run, ASSET, ScenarioId("s01")
        )


def test_run__of_water_values_is_the_fallbacks_bid(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, method={"name": "water_value"}))
    failing = published(sintef_inputs)
    planned = failing.plan(SINTEF, DAY)
    failing.solve(planned.plan.model_copy(update={"assets": _without_tasks(planned.plan.assets)}))
    failing.deliver()

    view = pipeline.run(SINTEF, DAY)

    fallback: Mapping[str, object] = failing.documents.find(f"runs/{planned.plan.run}/assets")[
        ASSET
    ]
    matrix = BidMatrix.from_document(get_blob(pipeline.documents, str(view.assets[ASSET].matrix)))
    assert fallback["matrix"] == matrix.digest()
