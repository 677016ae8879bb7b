"""What one scenario makes of a problem: its prices, and its inflow where it has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hydrobid.domain.identifiers import Identifier, PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.problem import Problem, Series


@dataclass(frozen=True, eq=False)
class Scenario:
    """prices: (T,) currency per MWh. inflow: (T,) m3/s by reservoir; the problem's where not named."""

    prices: Series
    inflow: Mapping[Identifier, Series] = field(default_factory=dict)

    def of(self, problem: Problem) -> Problem:
        """Return the problem with the scenario's inflow."""
        if not self.inflow:
            return problem
        return replace(problem, inflow={**problem.inflow, **self.inflow})

    @classmethod
    def out_of(
        cls, scenarios: ScenarioSet, area: PriceArea, scenario: ScenarioId, problem: Problem
    ) -> Scenario:
        """Return a scenario of a set over a problem that ends when the set's horizon does.

        Until the delivery day nothing has a price. Where the set has no inflow the problem's holds.
        """
        row = scenarios.ids.index(scenario)
        prices = [np.zeros(problem.horizon.delivery.start), scenarios.prices[area][row]]
        if scenarios.later:
            prices.append(scenarios.later[area][row, : scenarios.later_periods])
        inflow = {}
        for reservoir, stated in problem.inflow.items():
            if reservoir in scenarios.inflows:
                # The set's horizon may begin before the problem's: both end alike.
                own = scenarios.inflows[reservoir][row, -len(problem) :]
                inflow[reservoir] = np.where(np.isnan(own), stated, own)
        return cls(np.concatenate(prices), inflow)
