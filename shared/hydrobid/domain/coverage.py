"""How much of what was planned an asset's bid rests on."""

from __future__ import annotations

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import ScenarioId


class Coverage(Value):
    """Scenarios solved of those planned.

    probability: the sum of the solved scenarios' probabilities. price_low, price_high: the span of
    their prices in currency per MWh. missing: why each absent scenario is absent.
    """

    planned: int
    solved: int
    probability: float
    price_low: float | None = None
    price_high: float | None = None
    missing: dict[ScenarioId, str] = Field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every planned scenario was solved."""
        return self.solved == self.planned
