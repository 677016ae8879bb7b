"""The configuration of each bid method; `hydrobid.bidding.methods` has what they do."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_serializer, field_validator, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.imbalance import ImbalancePrices

MAX_CHUNK = 200
MAX_SHIFTS = 200
MAX_SHIFT = 100_000.0
MAX_SHARED = 200

Chunk = Annotated[int, Field(ge=1, le=MAX_CHUNK)]


class MultiScenario(Value):
    """Independent scenario solves, joined per MTU by a weighted isotonic fit.

    chunk: how many scenarios travel in one task.
    """

    name: Literal["multi_scenario"] = "multi_scenario"
    chunk: Chunk = 20

    @property
    def longest_task(self) -> int:
        """How many scenarios the largest task may hold."""
        return self.chunk


class PriceShifts(Value):
    """Solves of the expected price, moved or scaled as a whole, joined by straight lines.

    shifts: 2, 3 or 20 for the lists of `SHIFT_LISTS`, or a list: currency per MWh that are added
    to every MTU's price where the profile is moved, factors where it is scaled.
    """

    name: Literal["price_shifts"] = "price_shifts"
    shifts: int | tuple[float, ...] = 20
    profile: Literal["moved", "scaled"] = "moved"
    chunk: Chunk = 20

    @field_validator("shifts", mode="plain")
    @classmethod
    def _count_or_list(cls, shifts: Any) -> int | tuple[float, ...]:
        if isinstance(shifts, list | tuple):
            if 2 <= len(shifts) <= MAX_SHIFTS and all(map(_is_shift, shifts)):
                rising = tuple(sorted({float(shift) for shift in shifts}))
                if len(rising) == len(shifts):
                    return rising
        elif isinstance(shifts, int) and not isinstance(shifts, bool) and shifts in SHIFT_LISTS:
            return shifts
        raise ValueError(
            f"2, 3, 20, or a list of 2 to {MAX_SHIFTS} numbers, none twice or beyond {MAX_SHIFT:g}"
        )

    @field_serializer("shifts")
    def _as_stated(self, shifts: int | tuple[float, ...]) -> int | list[float]:
        return shifts if isinstance(shifts, int) else list(shifts)

    @model_validator(mode="after")
    def _factors(self) -> Self:
        if self.profile == "scaled" and (isinstance(self.shifts, int) or self.shifts[0] < 0):
            raise ValueError("shifts a list of factors of 0 or more, as profile is scaled")
        return self

    @property
    def longest_task(self) -> int:
        """How many scenarios the largest task may hold."""
        count = self.shifts if isinstance(self.shifts, int) else len(self.shifts)
        return min(self.chunk, count)


class PriceIndependent(Value):
    """One solve at the expected price; its volumes are offered at every price."""

    name: Literal["price_independent"] = "price_independent"

    @property
    def longest_task(self) -> int:
        """How many scenarios the largest task may hold."""
        return 1


class WaterValue(Value):
    """Marginal costs by water values and efficiencies; nothing is solved."""

    name: Literal["water_value"] = "water_value"

    @property
    def longest_task(self) -> int:
        """How many scenarios the largest task may hold."""
        return 0


class Joint(Value):
    """A bid that is made of many scenarios together, in one task.

    scenarios: the most that are solved together, those that represent the set best. seconds: how
    long that may take. chunk: how many scenarios travel in one of the independent tasks that stand by.
    """

    scenarios: Annotated[int, Field(ge=2, le=MAX_SHARED)] = 60
    seconds: Annotated[float, Field(gt=0)] = 300.0
    chunk: Chunk = 20

    @property
    def longest_task(self) -> int:
        """How many scenarios the largest independent task may hold."""
        return self.chunk


class ExclusiveGroup(Joint):
    """Schedules of the whole day, at most `blocks`, as profiled blocks of one exclusive group."""

    name: Literal["exclusive_group"] = "exclusive_group"
    blocks: Annotated[int, Field(ge=1, le=200)] = 24


class JointCurves(Joint):
    """Curves that all scenarios share, found together with what each scenario then does.

    imbalance: what it costs to deliver something else than the curves sell.
    """

    imbalance: ImbalancePrices = ImbalancePrices()


class Stochastic(JointCurves):
    """Curves alone."""

    name: Literal["stochastic"] = "stochastic"


class Blocks(JointCurves):
    """Curves with block orders beside them, at most `blocks` of a day."""

    name: Literal["blocks"] = "blocks"
    blocks: Annotated[int, Field(ge=1, le=200)] = 12


Method = Annotated[
    MultiScenario
    | PriceShifts
    | PriceIndependent
    | WaterValue
    | Stochastic
    | Blocks
    | ExclusiveGroup,
    Field(discriminator="name"),
]

SHIFT_LISTS: Final[dict[int, tuple[float, ...]]] = {
    2: (-10.0, 10.0),
    3: (-10.0, 0.0, 10.0),
    20: (
        -500.0, -50.0, -40.0, -30.0, -20.0, -15.0, -10.0, -5.0, 0.0,
        5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 70.0, 100.0, 2000.0,
    ),
}  # fmt: skip
"""Moves of the whole profile, currency per MWh, dense around the forecast and out to where no
water is kept back. To the nineteen moves of the longest list comes the day at a price of zero."""


def _is_shift(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -MAX_SHIFT <= value <= MAX_SHIFT
