"""Methods as the command line names them."""

from __future__ import annotations

import pytest

from hydrobid.bidding.backtest.entrant import entrants
from hydrobid.domain.errors import InvalidInput


def test_entrants__methods_that_take_scenarios_once_for_each_number():
    made = entrants(["multi_scenario", "price_shifts:3", "price_independent"], [5, 20])
    assert [(entrant.label, entrant.scenarios) for entrant in made] == [
        ("multi_scenario", 5),
        ("multi_scenario", 20),
        ("price_shifts:3", 3),
        ("price_independent", 1),
    ]
    assert [entrant.on_scenarios for entrant in made] == [True, True, False, False]


@pytest.mark.parametrize(
    "label", ["shifts", "price_shifts:7", "price_shifts:x", "water_value:3", "price_shifts:"]
)
def test_entrants__an_unknown_method_is_refused_with_those_that_there_are(label):
    with pytest.raises(InvalidInput, match=r"expected one of .*price_shifts:20"):
        entrants([label], [20])


@pytest.mark.parametrize(
    ("labels", "counts"),
    [(["multi_scenario", "multi_scenario"], [5]), (["multi_scenario"], [5, 5]), ([], [5])],
)
def test_entrants__nothing_twice_and_not_nothing(labels, counts):
    with pytest.raises(InvalidInput):
        entrants(labels, counts)


@pytest.mark.parametrize("count", [0, 2001])
def test_entrants__a_number_of_scenarios_out_of_range_is_refused(count):
    with pytest.raises(InvalidInput, match="--scenarios"):
        entrants(["multi_scenario"], [count])
