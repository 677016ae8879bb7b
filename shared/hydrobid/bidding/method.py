"""What every bid method offers; a method is a module of `hydrobid.bidding.methods`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.joint_program import JointProgram, JointResult


class BidMethod(Protocol):
    """How an asset's bid is made: what is solved for it, and what becomes of the results.

    Each function is pure: planner, solver and aggregator call them apart and must agree.
    """

    def scenarios(self, asset: AssetConfiguration, given: ScenarioSet) -> ScenarioSet:
        """Return the set that the asset is solved on: the given one, or one derived from it."""
        ...

    def tasks(self, asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
        """Return what is to be solved, in the order of dispatch; equal input, equal ids.

        scenarios: as `scenarios` returned it. There are none where the bid needs no solving.
        """
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

        scenarios: as `scenarios` returned it. volumes: (T,) net power in MW of each solved one, T
        the MTUs of `grid`. Raises InvalidInput where there is none though some are needed, or
        where one is not of the set or not of that shape.
        """
        ...


@runtime_checkable
class JointMethod(BidMethod, Protocol):
    """A method whose bid is what one joint task finds; `bid` is what stands in for it."""

    def taken_together(
        self, asset: AssetConfiguration, scenarios: ScenarioSet
    ) -> tuple[ScenarioId, ...]:
        """Return the scenarios that the joint task solves, in the order of `program`'s."""
        ...

    def seconds(self, asset: AssetConfiguration) -> float:
        """Return how long the joint task may take."""
        ...

    def program(
        self, market: Market, grid: MtuGrid, asset: AssetConfiguration, scenarios: ScenarioSet
    ) -> JointProgram:
        """Return what the joint task solves on the scenarios that are taken together."""
        ...

    def joint_bid(
        self,
        market: Market,
        grid: MtuGrid,
        asset: AssetConfiguration,
        program: JointProgram,
        found: JointResult,
    ) -> BidMatrix:
        """Return the partial bid made of what a program came to."""
        ...
