"""Segments in the order in which a unit uses them, whatever order a solver left them in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.streams import Streams

Array = NDArray[np.float64]


class Filling:
    """Puts the flow of each curve's range into its first segments.

    Below zero all segments cost the same and a solver takes any; a unit's power is that of its
    flow all the same.
    """

    def __init__(self, streams: Streams) -> None:
        self._segments = [at for at, s in enumerate(streams.each) if s.machine and not s.whole]
        keys = [(streams.each[at].machine, streams.each[at].part) for at in self._segments]
        ranges = list(dict.fromkeys(keys))
        self._range = [ranges.index(key) for key in keys]
        self._widths = streams.upper[self._segments]
        self._sums = np.zeros((len(ranges), len(keys)))
        self._sums[self._range, np.arange(len(keys))] = 1.0
        # What the segments before it in the same range hold when full.
        self._starts = np.tril(self._sums.T @ self._sums, -1) @ self._widths

    def __call__(self, choices: Array) -> Array:
        """Return (S, T) choices with the same flow in each range."""
        if not self._segments:
            return choices
        filled = choices.copy()
        flows = (self._sums @ choices[self._segments])[self._range]
        filled[self._segments] = np.minimum(np.maximum(flows - self._starts, 0.0), self._widths)
        return filled
