"""What one scenario makes of a problem: its prices, and its inflow where it has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hydrobid.domain.identifiers import Identifier
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
