"""What the water left at the end of a horizon is worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import Reservoir, Watercourse


@dataclass(frozen=True, eq=False)
class EndValuation:
    """A concave function of the (R,) volumes left, in reservoirs and under way to them, Mm3.

    Without cuts it is the sum of the reservoirs' own: of reservoir r the (K,) `widths[r]` in Mm3
    from empty on, the last without end, each at its of the (K,) `values[r]`, falling. With cuts it
    is the lowest of the (C,) `constants` + (C, R) `slopes` @ volumes.
    """

    widths: tuple[NDArray[np.float64], ...]
    values: tuple[NDArray[np.float64], ...]
    constants: NDArray[np.float64]
    slopes: NDArray[np.float64]

    @classmethod
    def of(cls, watercourse: Watercourse) -> EndValuation:
        """Return the valuation that a watercourse states."""
        reservoirs, cuts = watercourse.reservoirs, watercourse.cuts
        slopes = [[cut.slopes.get(r.name, 0.0) for r in reservoirs] for cut in cuts]
        return cls(
            tuple(_widths(reservoir) for reservoir in reservoirs),
            tuple(_values(reservoir) for reservoir in reservoirs),
            np.array([cut.constant for cut in cuts]),
            np.array(slopes).reshape(len(cuts), len(reservoirs)),
        )

    @property
    def has_cuts(self) -> bool:
        """Whether cuts value the water, in place of each reservoir's own values."""
        return bool(self.constants.size)

    @cached_property
    def _single(self) -> NDArray[np.float64] | None:
        """The (R,) values, where each reservoir has one whatever it holds."""
        if any(values.size > 1 for values in self.values):
            return None
        return np.array([float(values[0]) for values in self.values])

    @property
    def dearest(self) -> float:
        """The largest size of what a Mm3 may be worth."""
        values = [self.slopes.ravel()] if self.has_cuts else list(self.values)
        return max(float(np.max(np.abs(part))) for part in values)

    def worth(self, volumes: NDArray[np.float64]) -> float:
        """Return what (R,) volumes are worth."""
        if self.has_cuts:
            return float(np.min(self.constants + self.slopes @ volumes))
        if self._single is not None:
            return float(self._single @ volumes)
        return sum(
            _worth(widths, values, float(volume))
            for widths, values, volume in zip(self.widths, self.values, volumes, strict=True)
        )

    def marginal(self, volumes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (R,) worth of the last Mm3 of each reservoir at these volumes."""
        if self.has_cuts:
            lowest: NDArray[np.float64] = self.slopes[
                int(np.argmin(self.constants + self.slopes @ volumes))
            ]
            return lowest
        return np.array(
            [
                values[min(int(np.searchsorted(np.cumsum(widths), volume)), values.size - 1)]
                for widths, values, volume in zip(self.widths, self.values, volumes, strict=True)
            ]
        )


def _widths(reservoir: Reservoir) -> NDArray[np.float64]:
    stated = [segment.width for segment in reservoir.water_value_segments]
    return np.array([*stated[:-1], np.inf])


def _values(reservoir: Reservoir) -> NDArray[np.float64]:
    stated = [segment.water_value for segment in reservoir.water_value_segments]
    return np.array(stated or [reservoir.water_value])


def _worth(widths: NDArray[np.float64], values: NDArray[np.float64], volume: float) -> float:
    starts = np.concatenate([[0.0], np.cumsum(widths[:-1])])
    filled = np.clip(volume - starts, 0.0, widths)
    if volume < 0:  # a linear model's rounding: the first value goes on below empty
        filled[0] = volume
    return float(filled @ values)
