"""Scenario sets: equally shaped price series with probabilities, one series a price area."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import PriceArea, ScenarioId

PROBABILITY_TOLERANCE = 1e-6
PRICE_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class ScenarioSet:
    """Scenarios of one delivery day.

    ids: S scenarios. probabilities: (S,), summing to one. prices: for each price area an array
    (S, T) in the market's currency per MWh, T the MTUs of the day.
    """

    ids: tuple[ScenarioId, ...]
    probabilities: NDArray[np.float64]
    prices: Mapping[PriceArea, NDArray[np.float64]]

    def __post_init__(self) -> None:
        count = len(self.ids)
        total = float(np.sum(self.probabilities))
        if not count or len(set(self.ids)) != count:
            raise InvalidInput.of("scenario set", "ids", count, "one or more ids, none twice")
        if self.probabilities.shape != (count,) or bool(np.any(self.probabilities <= 0)):
            raise InvalidInput.of(
                "scenario set", "probabilities", self.probabilities.tolist(), "one above 0 for each"
            )
        if abs(total - 1) > PROBABILITY_TOLERANCE:
            raise InvalidInput.of("scenario set", "probabilities", round(total, 9), "a sum of 1")
        for area, values in self.prices.items():
            if values.ndim != 2 or values.shape[0] != count or not np.all(np.isfinite(values)):
                raise InvalidInput.of(
                    "scenario set", f"prices.{area}", values.shape, f"({count}, T) finite numbers"
                )

    def prices_of(self, area: PriceArea, scenario: ScenarioId) -> NDArray[np.float64]:
        """Return the (T,) prices of one scenario in one area."""
        values: NDArray[np.float64] = self.prices[area][self.ids.index(scenario)]
        return values

    def probability_of(self, scenario: ScenarioId) -> float:
        """Return the probability of one scenario."""
        return float(self.probabilities[self.ids.index(scenario)])

    def derived(
        self,
        ids: tuple[ScenarioId, ...],
        prices: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> ScenarioSet:
        """Return N equally probable scenarios made from the expected prices of this set.

        prices: from an area's (T,) expected prices to its (N, T) prices.
        """
        expected = {
            area: np.round(self.probabilities @ values, PRICE_DECIMALS)
            for area, values in self.prices.items()
        }
        return ScenarioSet(
            ids,
            np.full(len(ids), 1 / len(ids)),
            {area: prices(values) for area, values in expected.items()},
        )

    def to_document(self) -> dict[str, Any]:
        """Return the set as JSON-ready data."""
        return {
            "ids": list(self.ids),
            "probabilities": self.probabilities.tolist(),
            "prices": {area: values.tolist() for area, values in sorted(self.prices.items())},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ScenarioSet:
        """Return the set that a document holds; raise CorruptDocument where it holds none."""
        try:
            return cls(
                tuple(ScenarioId(value) for value in document["ids"]),
                np.asarray(document["probabilities"], dtype=np.float64),
                {
                    PriceArea(area): np.asarray(values, dtype=np.float64)
                    for area, values in document["prices"].items()
                },
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptDocument(f"not a scenario set: {error}") from error
