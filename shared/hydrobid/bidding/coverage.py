"""How much of what was planned a bid rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from hydrobid.domain.canonical import rounded
from hydrobid.domain.configuration import CoveragePolicy
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.scenarios import PROBABILITY_TOLERANCE, ScenarioSet

PROBABILITY_DECIMALS = 9
UNKNOWN_REASON = "NOT_SOLVED"


def coverage_of(
    scenarios: ScenarioSet,
    area: PriceArea,
    planned: Sequence[ScenarioId],
    solved: AbstractSet[ScenarioId],
    reasons: Mapping[ScenarioId, str],
) -> Coverage:
    """Return the coverage of the planned scenarios of a set, at the prices of one area.

    reasons: why planned scenarios have no schedule, where that is known.
    """
    present = [scenario for scenario in planned if scenario in solved]
    rows = [scenarios.ids.index(scenario) for scenario in present]
    prices = scenarios.prices[area][rows]
    return Coverage(
        planned=len(planned),
        solved=len(present),
        probability=rounded(np.sum(scenarios.probabilities[rows]), PROBABILITY_DECIMALS),
        price_low=float(np.min(prices)) if present else None,
        price_high=float(np.max(prices)) if present else None,
        missing={
            scenario: reasons.get(scenario, UNKNOWN_REASON)
            for scenario in planned
            if scenario not in solved
        },
    )


def shortfall(
    policy: CoveragePolicy, scenarios: ScenarioSet, area: PriceArea, coverage: Coverage
) -> str | None:
    """Return why a bid on what was solved is not safe, None where it is."""
    if not coverage.planned:
        return None  # a method that needs no solving
    if coverage.price_low is None or coverage.price_high is None:
        return "no scenario was solved"
    # The set's own probabilities sum to one only so well.
    if coverage.probability < policy.minimum_probability - PROBABILITY_TOLERANCE:
        return (
            f"{coverage.probability:.1%} of the probability was solved, "
            f"{policy.minimum_probability:.1%} is needed"
        )
    lost = [scenario for scenario in policy.must_have if scenario in coverage.missing]
    if lost:
        return f"scenarios that must be solved were not: {', '.join(lost)}"
    whole = float(np.ptp(scenarios.prices[area]))
    share = (coverage.price_high - coverage.price_low) / whole if whole else 1.0
    if share < policy.minimum_price_span:
        return (
            f"what was solved spans {share:.1%} of the prices, "
            f"{policy.minimum_price_span:.1%} is needed"
        )
    return None
