"""The periods that a schedule is made for: from now to where water values take over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.time import MtuGrid


@dataclass(frozen=True)
class Horizon:
    """Contiguous periods `[start, end)` of any lengths, in UTC.

    bounds: T + 1 instants, strictly rising. delivery: positions of the delivery day's MTUs.
    """

    bounds: tuple[datetime, ...]
    delivery: slice

    def __post_init__(self) -> None:
        if len(self.bounds) < 2:
            raise InvalidInput.of("horizon", "bounds", len(self.bounds), "two instants at least")
        for bound in self.bounds:
            if bound.tzinfo is None:
                raise InvalidInput.of("horizon", "bounds", bound, "instants with a time zone")
        object.__setattr__(self, "bounds", tuple(bound.astimezone(UTC) for bound in self.bounds))
        for before, after in zip(self.bounds, self.bounds[1:], strict=False):
            if after <= before:
                raise InvalidInput.of("horizon", "bounds", after, f"an instant after {before}")

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def start(self) -> datetime:
        """The instant at which the start state holds."""
        return self.bounds[0]

    @property
    def end(self) -> datetime:
        """The instant whose water is valued."""
        return self.bounds[-1]

    @property
    def starts(self) -> tuple[datetime, ...]:
        """The (T) first instants of the periods."""
        return self.bounds[:-1]

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """The (T,) lengths in hours: MW times these are MWh."""
        return np.diff(self.hours_since_start)

    @cached_property
    def hours_since_start(self) -> NDArray[np.float64]:
        """The (T + 1,) bounds in hours after the first."""
        seconds = [(bound - self.start).total_seconds() for bound in self.bounds]
        return np.array(seconds) / 3600.0

    def shortened(self, periods: int) -> Horizon:
        """Return the first periods, the delivery day among them."""
        if not self.delivery.stop <= periods <= len(self):
            expected = (
                f"{self.delivery.stop} to {len(self)}: no less than to the delivery day's end"
            )
            raise InvalidInput.of("horizon", "periods", periods, expected)
        return Horizon(self.bounds[: periods + 1], self.delivery)

    @classmethod
    def of(cls, grid: MtuGrid) -> Horizon:
        """Return the horizon of a delivery day alone."""
        return cls((*grid.starts(), grid.end), slice(0, len(grid)))

    @classmethod
    def mixed(
        cls,
        now: datetime,
        delivery: MtuGrid,
        later: Sequence[tuple[timedelta, timedelta]] = (),
    ) -> Horizon:
        """Return a horizon from `now` over the delivery day and on, coarser and coarser.

        Until the delivery day begins periods end where its MTUs would, the first one perhaps
        shorter. later: (step, span) of each part after it, as 1 h steps over 24 h and then 4 h
        steps over 5 days.

        >>> from hydrobid.domain.time import delivery_grid
        >>> from datetime import date
        >>> from zoneinfo import ZoneInfo
        >>> day = delivery_grid(date(2026, 3, 30), ZoneInfo("Europe/Oslo"), 15)
        >>> hour = timedelta(hours=1)
        >>> horizon = Horizon.mixed(
        ...     day.start - 11.9 * hour, day, [(hour, 24 * hour), (4 * hour, 120 * hour)]
        ... )
        >>> len(horizon), horizon.delivery, horizon.hours[[0, 1, -31, -1]].round(2).tolist()
        (198, slice(48, 144, None), [0.15, 0.25, 1.0, 4.0])
        """
        if now.tzinfo is None or now > delivery.start:
            expected = f"an instant with a time zone, at the latest {delivery.start}"
            raise InvalidInput.of("horizon", "now", now, expected)
        before = [delivery.start]
        while before[0] > now:
            before.insert(0, max(before[0] - delivery.step, now.astimezone(UTC)))
        bounds = [*before[:-1], *delivery.starts(), delivery.end]
        for step, span in later:
            bounds += _steps(bounds[-1], step, span)
        return cls(tuple(bounds), slice(len(before) - 1, len(before) - 1 + len(delivery)))


def _steps(start: datetime, step: timedelta, span: timedelta) -> list[datetime]:
    if step <= timedelta(0) or span % step:
        raise InvalidInput.of("horizon", "step", step, f"a divisor of the span of {span}")
    return [start + index * step for index in range(1, span // step + 1)]
