"""What partial, late and missing assets did to a bid."""

import pytest
from diagnosed_runs import SECOND, diagnosis_of, infeasible, run_twice_alike, settle, solve_one
from examples import DAY, SINTEF, published, with_asset_fields

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.plan import Plan
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import AssetState, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnosis.effect import Standing
from hydrobid.pipeline.diagnosis.expectation import Expectation
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.schema import ClientInputs


def test_diagnose__partial_says_what_is_missing_and_what_rests_on_nothing(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    plan = sintef.plan(SINTEF, DAY).plan
    lost = plan.assets[0].scenarios[:10]
    sintef.solver = infeasible(lambda scenario: scenario in lost)
    sintef.run(SINTEF, DAY)

    path = paths.asset(plan.run, plan.assets[0].asset)
    stored = sintef.documents.get(path)
    told = stored["coverage"]["missing"]
    stored["coverage"]["missing"] = dict(reversed(told.items()))  # Firestore keeps no order
    sintef.documents.commit(Put(path, stored))

    found = diagnosis_of(sintef, plan.run)

    (asset,) = found.assets
    (absence,) = asset.absences
    assert (asset.solved, asset.planned) == (42, 52)
    assert (absence.reason, absence.scenarios) == ("INFEASIBLE", lost)
    assert (absence.message, absence.details) == ("volumes below zero", {"row": 7})
    assert absence.probability == pytest.approx(10 / 52)
    (area,) = found.areas
    (effect,) = area.assets
    assert effect.offered == area.offered == area.by_state[AssetState.PARTIAL]
    assert effect.unfounded == read_by_hand(sintef, plan, lost)
    assert effect.offered == read_by_hand(sintef, plan, plan.assets[0].scenarios)
    assert effect.obtainable is None
    assert "shop-standard would have sold in the 10 scenarios" in found.unknown[0]


def read_by_hand(
    pipeline: InProcessPipeline, plan: Plan, scenarios: tuple[str, ...]
) -> Expectation:
    """Return what the order's curves sell at some scenarios, one price after the other."""
    stored = get_blob(pipeline.documents, plan.inputs.scenario_sets["day-ahead"])
    known = ScenarioSet.from_document(stored)
    (order,) = pipeline.exchange.orders.values()
    energy = sales = 0.0
    for scenario in scenarios:
        weight = known.probability_of(scenario)
        for curve, price in zip(order.matrix.curves, known.prices_of("NO2", scenario), strict=True):
            volume = float(curve.lots_at([round(price / 0.1)])[0]) * 0.1
            energy += weight * volume / 4
            sales += weight * volume / 4 * price
    return Expectation(energy=round(energy, 3), power=round(energy / 24, 3), sales=round(sales, 2))


def test_diagnose__what_came_late_would_have_sold_as_a_whole_run_does(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    for number in range(2):
        solve_one(sintef, plan, asset, number)
    settle(sintef, plan, asset)
    sintef.clock.advance(SECOND)
    solve_one(sintef, plan, asset, 2)

    found = diagnosis_of(sintef, plan.run)
    whole = published(sintef_inputs)
    whole.run(SINTEF, DAY)
    (whole_area,) = diagnosis_of(whole, plan.run).areas

    (area,) = found.areas
    assert found.assets[0].late == asset.tasks[2].scenarios
    assert area.assets[0].obtainable == whole_area.offered
    assert area.gain == whole_area.offered - area.offered
    assert area.gain.sales != 0
    # All at one instant of this clock: the last is the last by name.
    last = max(scenario for task in asset.tasks[:2] for scenario in task.scenarios)
    assert found.critical_path[2].what == f"{last} solved, the last"


def test_diagnose__failed_asset_leaves_capacity_idle(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = pipeline.plan(SINTEF, DAY).plan
    kept = plan.assets[0].scenarios[:5]
    pipeline.solver = infeasible(lambda scenario: scenario not in kept)
    pipeline.run(SINTEF, DAY)

    found = diagnosis_of(pipeline, plan.run)

    (area,) = found.areas
    (effect,) = area.assets
    assert found.state is RunState.FAILED
    assert (area.stands, area.offered, area.by_state) == (Standing.NOTHING, None, {})
    assert area.computed == Expectation()
    assert area.idle == effect.capacity == 585
    assert (effect.state, effect.offered) == (AssetState.FAILED, None)
    assert effect.solved_probability == pytest.approx(5 / 52)
    assert effect.obtainable.energy > 0
    assert area.gain == effect.obtainable
    assert "9.6% of the probability" in found.assets[0].unsafe
    assert {alert.code for alert in found.alerts} == {"ASSET_WITHOUT_BID", "AREA_WITHOUT_BID"}
    assert all("before the gate" in alert.action for alert in found.alerts)


def test_diagnose__nothing_solved_at_all_is_said_to_be_unknown(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=[]))
    pipeline.solver = infeasible(lambda _: True)
    view = pipeline.run(SINTEF, DAY)

    found = diagnosis_of(pipeline, view.plan.run)

    assert found.areas[0].gain is None
    assert any("585 MW, 14040 MWh a day" in line for line in found.unknown)


def test_diagnose__a_fallback_rests_on_no_scenario(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    kept = plan.assets[0].scenarios[:5]
    sintef.solver = infeasible(lambda scenario: scenario not in kept)
    sintef.run(SINTEF, DAY)

    found = diagnosis_of(sintef, plan.run)

    (effect,) = found.areas[0].assets
    assert (effect.state, found.assets[0].fallback) == (AssetState.FALLBACK, "water_value")
    assert effect.unfounded == effect.offered
    assert effect.obtainable is not None
    assert found.areas[0].gain == effect.obtainable - effect.offered


def test_diagnose__superseded_by_an_equal_bid_whose_content_stands(
    cascade: InProcessPipeline, cascade_inputs: ClientInputs
):
    first, second = run_twice_alike(cascade, cascade_inputs)

    older, newer = diagnosis_of(cascade, first), diagnosis_of(cascade, second)

    assert (older.state, newer.state) == (RunState.SUPERSEDED, RunState.SUBMITTED)
    # Other chunks make the same bid: it is the content that stands, not the run.
    assert {area.stands for area in (*older.areas, *newer.areas)} == {Standing.THIS_BID}


def test_diagnose__another_bid_stands(sintef: InProcessPipeline, sintef_inputs: ClientInputs):
    plan = sintef.plan(SINTEF, DAY).plan
    lost = plan.assets[0].scenarios[:10]
    whole, sintef.solver = sintef.solver, infeasible(lambda scenario: scenario in lost)
    sintef.run(SINTEF, DAY)
    sintef.solver = whole
    fewer = with_asset_fields(sintef_inputs, method={"name": "multi_scenario", "chunk": 26})
    sintef.clock.advance(SECOND)
    publish_inputs(sintef.documents, sintef.clock, fewer.configuration, sintef_inputs.scenario_sets)
    newer = diagnosis_of(sintef, sintef.run(SINTEF, DAY).plan.run)

    older = diagnosis_of(sintef, plan.run)

    (area,) = older.areas
    assert area.stands is Standing.ANOTHER_BID
    assert area.standing == newer.areas[0].offered != area.offered
    assert older.stood is None
