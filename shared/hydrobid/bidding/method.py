"""What every bid method offers; a method is a module of `hydrobid.bidding.methods`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid


class BidMethod(Protocol):
    """How an asset's scenarios are solved and how their results become its partial bid."""

    def tasks(self, asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
        """Return what is to be solved, in the order of dispatch; equal input, equal ids."""
        ...

    def bid(
        self,
        market: Market,
        grid: MtuGrid,
        asset: AssetConfiguration,
        scenarios: ScenarioSet,
        volumes: Mapping[ScenarioId, NDArray[np.float64]],
    ) -> BidMatrix:
        """Return the partial bid made from the scenarios that have been solved.

        volumes: (T,) net power in MW of each solved scenario, T the MTUs of `grid`. Raises
        InvalidInput where there is none, or where one is not of the set or not of that shape.
        """
        ...
