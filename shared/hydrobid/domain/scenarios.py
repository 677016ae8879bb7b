"""Scenario sets: equally shaped price series with probabilities, one series a price area."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea, ScenarioId

PROBABILITY_TOLERANCE = 1e-6
PRICE_DECIMALS = 6

N = TypeVar("N", bound=Identifier)


@dataclass(frozen=True, eq=False)
class ScenarioSet:
    """Scenarios of one delivery day.

    ids: S scenarios. probabilities: (S,), summing to one. prices: for each price area an array
    (S, T) in the market's currency per MWh, T the MTUs of the day. later: the same of each area for
    the (L) periods after the day, where the horizon has some. inflows: m3/s by reservoir, (S, H) of
    all periods of the horizon, NaN in those in which what the watercourse states holds.
    """

    ids: tuple[ScenarioId, ...]
    probabilities: NDArray[np.float64]
    prices: Mapping[PriceArea, NDArray[np.float64]]
    later: Mapping[PriceArea, NDArray[np.float64]] = field(default_factory=dict)
    inflows: Mapping[Identifier, NDArray[np.float64]] = field(default_factory=dict)

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
        for name, values in self._series():
            # Of inflows NaN is an answer, an infinite one is not.
            wrong = np.isinf(values) if name.startswith("inflows.") else ~np.isfinite(values)
            if values.ndim != 2 or values.shape[0] != count or np.any(wrong):
                raise InvalidInput.of(
                    "scenario set", name, values.shape, f"({count}, T) finite numbers"
                )

    def _series(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        for kind in ("prices", "later", "inflows"):
            for name, values in getattr(self, kind).items():
                yield f"{kind}.{name}", values

    @property
    def later_periods(self) -> int:
        """How many periods after the delivery day have prices."""
        return min((values.shape[1] for values in self.later.values()), default=0)

    def prices_of(self, area: PriceArea, scenario: ScenarioId) -> NDArray[np.float64]:
        """Return the (T,) prices of one scenario in one area."""
        values: NDArray[np.float64] = self.prices[area][self.ids.index(scenario)]
        return values

    def probability_of(self, scenario: ScenarioId) -> float:
        """Return the probability of one scenario."""
        return float(self.probabilities[self.ids.index(scenario)])

    def of_the_day(self) -> ScenarioSet:
        """Return the set without the periods before and after its delivery day."""
        mtus = next(iter(self.prices.values())).shape[1]
        days = {
            reservoir: values[:, values.shape[1] - self.later_periods - mtus :][:, :mtus]
            for reservoir, values in self.inflows.items()
        }
        return replace(self, later={}, inflows=days)

    def derived(
        self,
        ids: tuple[ScenarioId, ...],
        prices: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> ScenarioSet:
        """Return N equally probable scenarios made from the expected prices of this set.

        prices: from an area's (T,) expected prices to its (N, T) prices. All have the expected inflow.
        """

        def expected(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.round(self.probabilities @ values, PRICE_DECIMALS)

        return ScenarioSet(
            ids,
            np.full(len(ids), 1 / len(ids)),
            {area: prices(expected(values)) for area, values in self.prices.items()},
            {area: prices(expected(values)) for area, values in self.later.items()},
            {
                reservoir: np.tile(expected(values), (len(ids), 1))
                for reservoir, values in self.inflows.items()
            },
        )

    def to_document(self) -> dict[str, Any]:
        """Return the set as JSON-ready data; what it has not is not written."""
        further = {"later": _lists(self.later), "inflows": _lists(self.inflows)}
        return {
            "ids": list(self.ids),
            "probabilities": self.probabilities.tolist(),
            "prices": _lists(self.prices),
            **{name: series for name, series in further.items() if series},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ScenarioSet:
        """Return the set that a document holds; raise CorruptDocument where it holds none."""
        try:
            return cls(
                tuple(ScenarioId(value) for value in document["ids"]),
                np.asarray(document["probabilities"], dtype=np.float64),
                _arrays(PriceArea, document["prices"]),
                _arrays(PriceArea, document.get("later", {})),
                _arrays(Identifier, document.get("inflows", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptDocument(f"not a scenario set: {error}") from error


def _lists(series: Mapping[N, NDArray[np.float64]]) -> dict[str, list[list[float | None]]]:
    """Return arrays as lists by name, sorted; None where there is no number."""
    return {
        str(name): np.where(np.isnan(values), None, values).tolist()  # type: ignore[call-overload]
        if np.isnan(values).any()
        else values.tolist()
        for name, values in sorted(series.items())
    }


def _arrays(name_of: type[N], series: Mapping[str, Any]) -> dict[N, NDArray[np.float64]]:
    return {name_of(name): np.asarray(values, np.float64) for name, values in series.items()}
