"""Fast forward selection, and whose probability goes to whom."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.scenarios.scores import band, covered, energy_score
from hydrobid.bidding.scenarios.selection import distances, redistributed, representative_order

SETS = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.lists(
            st.lists(st.integers(-50, 50), min_size=3, max_size=3), min_size=count, max_size=count
        ),
        st.lists(st.integers(1, 9), min_size=count, max_size=count),
    )
)


def as_arrays(drawn: tuple[list[list[int]], list[int]]) -> tuple[np.ndarray, np.ndarray]:
    values, weights = np.array(drawn[0], dtype=float), np.array(drawn[1], dtype=float)
    return values, weights / weights.sum()


def expected_distance(values: np.ndarray, probabilities: np.ndarray, chosen: list[int]) -> float:
    return float(probabilities @ distances(values, values[chosen]).min(axis=1))


@given(SETS)
def test_representative_order__each_next_one_lessens_the_expected_distance_most(drawn):
    values, probabilities = as_arrays(drawn)

    order = representative_order(values, probabilities).tolist()

    assert sorted(order) == list(range(len(values)))
    for at in range(len(order)):
        reached = expected_distance(values, probabilities, order[: at + 1])
        others = [
            expected_distance(values, probabilities, [*order[:at], other]) for other in order[at:]
        ]
        assert reached <= min(others) + 1e-6


def test_representative_order__is_the_best_single_one_and_near_the_best_pair():
    rng = np.random.default_rng(3)
    values, probabilities = rng.normal(0, 10, (9, 4)), rng.dirichlet(np.ones(9))

    order = representative_order(values, probabilities).tolist()

    best = min(range(9), key=lambda one: expected_distance(values, probabilities, [one]))
    pairs = [
        expected_distance(values, probabilities, list(two)) for two in permutations(range(9), 2)
    ]
    assert order[0] == best
    assert expected_distance(values, probabilities, order[:2]) <= 1.25 * min(pairs)


def test_representative_order__equal_scenarios_come_in_the_order_of_the_set():
    assert representative_order(np.ones((4, 2)), np.full(4, 0.25)).tolist() == [0, 1, 2, 3]


def test_representative_order__of_very_many_has_each_once(monkeypatch):
    monkeypatch.setattr("hydrobid.bidding.scenarios.selection.MOST_ORDERED", 5)
    rng = np.random.default_rng(5)

    order = representative_order(rng.normal(size=(12, 2)), rng.dirichlet(np.ones(12)))

    assert sorted(order.tolist()) == list(range(12))


def test_redistributed__gives_the_absent_ones_share_to_the_nearest():
    values = np.array([[0.0], [10.0], [12.0], [30.0]])

    weights = redistributed(
        values, np.array([0.1, 0.2, 0.3, 0.4]), np.array([True, False, True, False])
    )

    assert weights == pytest.approx([0.1, 0.9])


@given(SETS, st.data())
def test_redistributed__keeps_the_sum_and_never_takes_from_a_present_one(drawn, data):
    values, probabilities = as_arrays(drawn)
    present = np.array([data.draw(st.booleans()) for _ in values])
    present[data.draw(st.integers(0, len(values) - 1))] = True

    weights = redistributed(values, probabilities, present)

    assert weights.sum() == pytest.approx(1.0)
    assert np.all(weights >= probabilities[present] - 1e-12)


def test_energy_score__is_least_for_what_happens():
    rng = np.random.default_rng(11)
    happened = rng.normal(0, 1, (400, 3))
    sets = {name: rng.normal(0, spread, (80, 3)) for name, spread in (("own", 1), ("wide", 3))}
    sets["narrow"], sets["off"] = 0.2 * sets["own"], sets["own"] + 1

    scores = {
        name: np.mean([energy_score(values, np.full(80, 1 / 80), day) for day in happened])
        for name, values in sets.items()
    }

    assert min(scores, key=scores.__getitem__) == "own"


def test_energy_score__of_one_scenario_is_its_distance():
    assert energy_score(np.array([[1.0, 2.0]]), np.ones(1), np.array([4.0, 5.0])) == pytest.approx(
        3
    )


def test_band__holds_its_share_of_the_probability():
    values, probabilities = np.arange(10.0)[:, None], np.full(10, 0.1)

    low, high = band(values, probabilities, 0.8)

    assert (low[0], high[0]) == pytest.approx((0.5, 8.5))
    assert covered(values, probabilities, np.array([0.4]), (0.8, 0.99)) == {0.8: 0, 0.99: 1}
