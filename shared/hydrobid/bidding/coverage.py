"""How much of what was planned a bid rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from hydrobid.domain.canonical import rounded
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet

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
