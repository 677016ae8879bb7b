"""The methods that solve something else than the client's own scenarios, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from hydrobid.bidding.methods import METHODS, method_of, planned_tasks
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid

GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, 2)


@pytest.fixture
def given(scenario_set):
    return scenario_set([[10.0, 90.0], [30.0, 70.0]], [0.25, 0.75])


@pytest.fixture
def by(asset):
    def make(**method: object) -> AssetConfiguration:
        document = {**asset().to_document(), "method": method}
        return AssetConfiguration.model_validate(document)

    return make


def test_price_independent__solves_the_expected_price_and_offers_it_at_every_price(
    by, given, market
):
    asset = by(name="price_independent")
    method = method_of(asset)

    derived = method.scenarios(asset, given)
    matrix = method.bid(market, GRID, asset, derived, {derived.ids[0]: np.array([5.0, 6.24])})

    assert [task.scenarios for task in method.tasks(asset, derived)] == [("expected",)]
    np.testing.assert_allclose(derived.prices["NO2"], [[25.0, 75.0]])
    assert [curve.ticks for curve in matrix.curves] == [(-5000, 40000)] * 2
    assert [curve.lots for curve in matrix.curves] == [(50, 50), (62, 62)]


def test_price_shifts__move_the_expected_profile(by, given):
    asset = by(name="price_shifts", shifts=[12.5, -10, 0])

    derived = method_of(asset).scenarios(asset, given)

    assert derived.ids == ("minus-10", "plus-0", "plus-12.5")
    np.testing.assert_allclose(derived.prices["NO2"], [[15, 65], [25, 75], [37.5, 87.5]])


def test_price_shifts__scale_the_expected_profile(by, given):
    asset = by(name="price_shifts", shifts=[0.5, 1.2, 1], profile="scaled")

    derived = method_of(asset).scenarios(asset, given)

    assert derived.ids == ("times-0.5", "plus-0", "times-1.2")
    np.testing.assert_allclose(derived.prices["NO2"], [[12.5, 37.5], [25, 75], [30, 90]])


@pytest.mark.parametrize("count", [2, 3, 20])
def test_price_shifts__by_count_are_the_shipped_lists(by, given, count):
    asset = by(name="price_shifts", shifts=count)

    derived = method_of(asset).scenarios(asset, given)

    assert len(derived.ids) == count
    assert ("times-0" in derived.ids) == (count == 20)
    assert set(planned_tasks(asset, given)[0].scenarios) == set(derived.ids)


def test_price_shifts__bid_runs_through_each_shift_and_is_flat_beyond(by, given, market):
    asset = by(name="price_shifts", shifts=3)
    method = method_of(asset)
    derived = method.scenarios(asset, given)
    volumes = {s: np.array([sold, sold]) for s, sold in zip(derived.ids, [0, 5, 9], strict=True)}

    curve = method.bid(market, GRID, asset, derived, volumes).curves[0]

    assert curve.ticks == (-5000, 150, 250, 350, 40000)
    assert curve.lots == (0, 0, 50, 90, 90)


def test_water_value__plans_nothing_and_bids_marginal_costs(by, given, market):
    asset = by(name="water_value")
    method = method_of(asset)

    assert planned_tasks(asset, given) == ()
    assert method.bid(market, GRID, asset, given, {}) == water_value_bid(market, GRID, asset)


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"water_value"}))
def test_methods__that_solve_refuse_to_bid_on_nothing(by, given, market, name):
    asset = by(name=name)
    method = method_of(asset)

    with pytest.raises(InvalidInput, match="one or more solved scenarios"):
        method.bid(market, GRID, asset, method.scenarios(asset, given), {})


@pytest.mark.parametrize("name", sorted(METHODS))
def test_methods__plan_the_same_ids_from_the_same_set(by, given, name):
    asset = by(name=name)

    tasks = planned_tasks(asset, given)

    assert planned_tasks(AssetConfiguration.from_document(asset.to_document()), given) == tasks
    assert all(isinstance(s, ScenarioId) for task in tasks for s in task.scenarios)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"shifts": 5}, "2, 3, 20, or a list"),
        ({"shifts": True}, "2, 3, 20, or a list"),
        ({"shifts": [1.0]}, "a list of 2 to 200"),
        ({"shifts": [1.0, 1.0]}, "none twice"),
        ({"shifts": [1.0, "2"]}, "2, 3, 20, or a list"),
        ({"shifts": [1.0, float("nan")]}, "2, 3, 20, or a list"),
        ({"shifts": 20, "profile": "scaled"}, "a list of factors"),
        ({"shifts": [-0.1, 1.0], "profile": "scaled"}, "factors of 0 or more"),
    ],
)
def test_price_shifts__refuses_what_is_no_list_of_shifts(by, method, expected):
    with pytest.raises(ValidationError, match=expected):
        by(name="price_shifts", **method)
