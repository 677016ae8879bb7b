"""The order in which scenarios are solved: each beginning is spread as the whole set is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.scenarios.anytime import balanced_order, side_by_side
from hydrobid.bidding.scenarios.selection import distances

SETS = st.integers(1, 10).flatmap(
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


def unlike(values: np.ndarray, probabilities: np.ndarray, chosen: list[int]) -> float:
    """Return the energy distance of the chosen, by their probability, to the whole set."""
    apart = distances(values, values)
    mine = np.zeros(len(values))
    mine[chosen] = probabilities[chosen] / probabilities[chosen].sum()
    away = mine - probabilities
    return float(-away @ apart @ away)


@given(SETS)
def test_balanced_order__each_next_one_brings_the_first_ones_nearest_to_the_set(drawn):
    values, probabilities = as_arrays(drawn)

    order = balanced_order(values, probabilities).tolist()

    assert sorted(order) == list(range(len(values)))
    for at in range(len(order)):
        reached = unlike(values, probabilities, order[: at + 1])
        others = [unlike(values, probabilities, [*order[:at], other]) for other in order[at:]]
        assert reached <= min(others) + 1e-5


@given(SETS, st.integers(1, 4))
def test_side_by_side__each_turn_takes_the_best_of_its_group(drawn, chunk):
    values, probabilities = as_arrays(drawn)
    groups = [
        list(range(start, min(start + chunk, len(values))))
        for start in range(0, len(values), chunk)
    ]

    taken = side_by_side(values, probabilities, groups)

    assert [sorted(group) for group in taken] == groups
    for turn in range(chunk):
        for at, group in enumerate(taken):
            if turn >= len(group):
                continue
            before = [s for other in taken[:at] for s in other[: turn + 1]] + group[:turn]
            reached = unlike(values, probabilities, [*before, group[turn]])
            for other in group[turn:]:
                assert reached <= unlike(values, probabilities, [*before, other]) + 1e-5


def test_balanced_order__begins_in_the_middle_and_then_has_both_sides():
    values = np.arange(101.0)[:, None]

    order = balanced_order(values, np.full(101, 1 / 101)).tolist()

    assert order[0] == 50
    for count in (3, 5, 10):
        first = np.sort(order[:count])
        assert np.mean(first) == pytest.approx(50, abs=5)
        assert np.std(first) == pytest.approx(np.std(values), rel=0.25)


def test_balanced_order__equal_scenarios_come_in_the_order_of_the_set():
    assert balanced_order(np.ones((4, 2)), np.full(4, 0.25)).tolist() == [0, 1, 2, 3]


def test_balanced_order__of_very_many_has_each_once(monkeypatch):
    monkeypatch.setattr("hydrobid.bidding.scenarios.anytime.MOST_ORDERED", 5)
    rng = np.random.default_rng(5)
    values, probabilities = rng.normal(size=(12, 2)), rng.dirichlet(np.ones(12))

    order = balanced_order(values, probabilities).tolist()
    taken = side_by_side(values, probabilities, [order[:6], order[6:]])

    assert sorted(order) == list(range(12))
    assert [sorted(group) for group in taken] == [sorted(order[:6]), sorted(order[6:])]
