"""What of a plan has been solved."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hydrobid.bidding.coverage import coverage_of, shortfall
from hydrobid.domain.configuration import CoveragePolicy
from hydrobid.domain.identifiers import PriceArea, ScenarioId

NO2 = PriceArea("NO2")
S0, S1, S2 = (ScenarioId(f"s{number}") for number in range(3))


def test_coverage_of__adds_up_what_is_solved_and_says_why_the_rest_is_not(scenario_set):
    scenarios = scenario_set([[10.0, 90.0], [20.0, 80.0], [-5.0, 400.0]], [0.1, 0.2, 0.7])

    coverage = coverage_of(scenarios, NO2, scenarios.ids, {S0, S1}, {S2: "INFEASIBLE"})

    assert (coverage.planned, coverage.solved, coverage.probability) == (3, 2, 0.3)
    assert (coverage.price_low, coverage.price_high) == (10.0, 90.0)
    assert coverage.missing == {S2: "INFEASIBLE"}
    assert not coverage.complete


def test_coverage_of__nothing_solved_spans_no_prices(scenario_set):
    scenarios = scenario_set([[10.0], [20.0]], [0.5, 0.5])

    coverage = coverage_of(scenarios, NO2, scenarios.ids, frozenset(), {})

    assert (coverage.probability, coverage.price_low, coverage.price_high) == (0.0, None, None)
    assert coverage.missing == {S0: "NOT_SOLVED", S1: "NOT_SOLVED"}


def test_coverage_of__counts_only_what_was_planned(scenario_set):
    scenarios = scenario_set([[10.0], [20.0]], [0.4, 0.6])

    coverage = coverage_of(scenarios, NO2, [S1], {S0, S1}, {})

    assert (coverage.planned, coverage.solved, coverage.probability) == (1, 1, 0.6)
    assert coverage.complete


@pytest.mark.parametrize(("minimum", "solved"), [(1.0, 7), (6 / 7, 6)])
def test_shortfall__probabilities_that_sum_to_one_only_nearly(scenario_set, minimum, solved):
    scenarios = scenario_set([[10.0 * n, 90.0] for n in range(7)], [0.1428571] * 7)
    policy = CoveragePolicy(minimum_probability=minimum)

    enough, too_little = (
        coverage_of(scenarios, NO2, scenarios.ids, set(scenarios.ids[:count]), {})
        for count in (solved, solved - 1)
    )

    assert shortfall(policy, scenarios, NO2, enough) is None
    assert shortfall(policy, scenarios, NO2, too_little) is not None


def test_bidding__loads_no_solver():
    """Functions that do not solve import it, and a solver costs their cold start."""
    probe = (
        "import sys, hydrobid.bidding.methods, hydrobid.bidding.coverage, hydrobid.hydro.schedule;"
        "print([name for name in ('highspy', 'scipy') if name in sys.modules])"
    )

    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )

    assert run.stdout.strip() == "[]"
