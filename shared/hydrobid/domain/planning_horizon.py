"""What a delivery day is solved with: the way to it, and how far beyond it, at which resolution."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrobid.domain.base import Value

LONGEST_STEP = 24
LONGEST_SPAN = 14 * 24


class Stretch(Value):
    """A time of so many `hours` after the one before it, in steps of `step` hours."""

    hours: Annotated[int, Field(ge=1, le=LONGEST_SPAN)]
    step: Annotated[int, Field(ge=1, le=LONGEST_STEP)] = 1

    @model_validator(mode="after")
    def _whole_steps(self) -> Self:
        if self.hours % self.step:
            raise ValueError(f"step a divisor of hours, {self.hours}: {self.step}")
        return self


class PlanningHorizon(Value):
    """From when the levels of the water hold, over the delivery day, through what is `after` it."""

    after: Annotated[tuple[Stretch, ...], Field(max_length=20)] = ()

    @property
    def later(self) -> tuple[tuple[timedelta, timedelta], ...]:
        """The (step, span) of each stretch after the delivery day."""
        return tuple(
            (timedelta(hours=stretch.step), timedelta(hours=stretch.hours))
            for stretch in self.after
        )
