"""How much of an asset's scenario set its bid rests on."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import rounded
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet

SHARE_DECIMALS = 9
UNKNOWN_REASON = "not solved"

Share = Annotated[float, Field(ge=0, le=1)]


class Coverage(Value):
    """What of a scenario set has been solved.

    probability: of the solved scenarios together. price_span: the share of the span between the
    lowest and the highest scenario price that the solved ones cover, mean over the MTUs. missing:
    why each of the others has no schedule, in the order of the set.
    """

    probability: Share
    solved: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(gt=0)]
    price_span: Share
    missing: dict[ScenarioId, str]

    @property
    def complete(self) -> bool:
        """Whether every scenario is solved."""
        return self.solved == self.total

    def suffices(self, minimum_probability: float) -> bool:
        """Return whether enough is solved for a partial bid."""
        return self.solved > 0 and self.probability >= minimum_probability


def coverage_of(
    scenarios: ScenarioSet,
    area: PriceArea,
    solved: AbstractSet[ScenarioId],
    reasons: Mapping[ScenarioId, str],
) -> Coverage:
    """Return the coverage of the solved scenarios of a set, at the prices of one area.

    reasons: why scenarios were not solved, where it is known.
    """
    present = np.array([scenario in solved for scenario in scenarios.ids])
    probability = float(np.sum(scenarios.probabilities[present]))
    return Coverage(
        probability=rounded(min(probability, 1.0), SHARE_DECIMALS),
        solved=int(np.count_nonzero(present)),
        total=len(scenarios.ids),
        price_span=_price_span(scenarios, area, present),
        missing={
            scenario: reasons.get(scenario, UNKNOWN_REASON)
            for scenario in scenarios.ids
            if scenario not in solved
        },
    )


def _price_span(scenarios: ScenarioSet, area: PriceArea, present: NDArray[np.bool_]) -> float:
    prices = scenarios.prices[area]
    if not np.any(present):
        return 0.0
    whole, covered = np.ptp(prices, axis=0), np.ptp(prices[present], axis=0)
    shares = np.divide(covered, whole, out=np.ones_like(whole), where=whole > 0)
    return rounded(float(np.mean(shares)), SHARE_DECIMALS)
