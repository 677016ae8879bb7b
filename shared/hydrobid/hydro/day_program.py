"""Whole days of which an auction takes one, as a program to be solved: no solver is needed to state it.

A schedule of the whole day knows the starts that it makes and the water that it takes. Offered beside
others in one exclusive group, each at what it costs, the auction accepts the one that earns most at
the prices that come: nobody has to know them beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, rounded
from hydrobid.domain.errors import CorruptDocument

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DayProgram:
    """What schedules are chosen for. S scenarios, T MTUs of the delivery day.

    prices: (S, T) currency per MWh. weights: (S,) above zero. most: MW that may be sold in any MTU.
    count: of schedules, at most.
    """

    prices: Array
    weights: Array
    most: float
    count: int

    def read(self, document: Mapping[str, Any]) -> DaySchedules:
        """Return the result that a document holds; raise CorruptDocument where it holds none."""
        return DaySchedules.from_document(document)


@dataclass(frozen=True, eq=False)
class DaySchedules:
    """K schedules, the one first that is worth most by itself.

    volumes: (K, T) MW sold. costs: (K,) what each costs against selling nothing, in the market's
    currency: water, starts and penalties. worth: by weight, what the best of them, or none, earns at
    each scenario's prices, less its cost.
    """

    volumes: Array
    costs: Array
    worth: float

    def to_document(self) -> dict[str, Any]:
        """Return the schedules as JSON-ready data, rounded canonically."""
        return {
            "schedules": [[rounded(mw, POWER_DECIMALS) for mw in one] for one in self.volumes],
            "costs": [rounded(cost, MONEY_DECIMALS) for cost in self.costs],
            "worth": rounded(self.worth, MONEY_DECIMALS),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DaySchedules:
        """Return the schedules that a document holds; raise CorruptDocument where it holds none."""
        try:
            volumes = np.array(document["schedules"], dtype=np.float64)
            costs = np.array(document["costs"], dtype=np.float64)
            return cls(volumes, costs, float(document["worth"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptDocument(f"not schedules of a day: {error}") from error
