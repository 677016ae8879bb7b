"""Bid curves that many scenarios share, as a program to be solved: no solver is needed to state it.

In each MTU a volume is chosen at each of some prices. What a scenario sells is read off that curve at
its own price; what it produces more or less is settled as imbalance. So a volume is worth what it
earns in all the scenarios that reach it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, rounded
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.imbalance import ImbalancePrices

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BlockCandidate:
    """Consecutive MTUs, `count` from position `first` on, that may be sold together from a price up.

    price: currency per MWh, of the plain average over the MTUs. The volume is to be chosen, the same in
    each MTU.
    """

    first: int
    count: int
    price: float

    @property
    def mtus(self) -> range:
        """The positions of its MTUs in the day."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, eq=False)
class CurveProgram:
    """What curves are chosen from, and on what. S scenarios, T MTUs of the delivery day.

    prices: (S, T) currency per MWh. weights: (S,) above zero. points: of each MTU its (K,) rising
    prices; K may differ. least, most: MW that the asset can sell. steps: whether a volume holds
    up to the next point; if not, volumes lie on straight lines between points. Beyond the first and
    the last point they stay as they are there. blocks: what may be sold in blocks besides, of which at
    most `blocks_max` are.
    """

    prices: Array
    weights: Array
    points: tuple[Array, ...]
    least: float
    most: float
    imbalance: ImbalancePrices
    steps: bool = False
    blocks: tuple[BlockCandidate, ...] = ()
    blocks_max: int = 0

    def read(self, document: Mapping[str, Any]) -> SharedCurves:
        """Return the result that a document holds; raise CorruptDocument where it holds none."""
        return SharedCurves.from_document(document)

    def accepting(self, block: BlockCandidate) -> NDArray[np.bool_]:
        """Return (S,) whether each scenario's prices take a block."""
        average = np.mean(self.prices[:, block.first : block.first + block.count], axis=1)
        taken: NDArray[np.bool_] = np.round(average - block.price, 6) >= 0
        return taken

    def taken(self, mtu: int) -> Array:
        """Return (S, K) of each rise in volume the share that each scenario's price takes.

        The first is the volume at the first point, the others what the curve rises by up to each.
        """
        price, points = self.prices[:, mtu, None], self.points[mtu]
        first = np.ones((self.weights.size, 1))
        if self.steps:
            rises = (price >= points[1:]).astype(np.float64)
        else:
            rises = np.clip((price - points[:-1]) / np.diff(points), 0.0, 1.0)
        return np.concatenate([first, rises], axis=1)


@dataclass(frozen=True, eq=False)
class SharedCurves:
    """The best curves found. volumes: of each MTU (K,) MW at its points, never falling.

    blocks: (B,) MW of each of the program's blocks, zero where it is not offered. worth: what the day is then worth by weight, in the market's currency, water left included.
    """

    volumes: tuple[Array, ...]
    worth: float
    blocks: Array = field(default_factory=lambda: np.zeros(0))

    def to_document(self) -> dict[str, Any]:
        """Return the curves as JSON-ready data, rounded canonically."""
        volumes = [[rounded(mw, POWER_DECIMALS) for mw in curve] for curve in self.volumes]
        blocks = [rounded(mw, POWER_DECIMALS) for mw in self.blocks]
        return {
            "volumes": volumes,
            "worth": rounded(self.worth, MONEY_DECIMALS),
            "blocks": blocks,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> SharedCurves:
        """Return the curves that a document holds; raise CorruptDocument where it holds none."""
        try:
            volumes = tuple(np.array(curve, dtype=np.float64) for curve in document["volumes"])
            blocks = np.array(document["blocks"], dtype=np.float64)
            return cls(volumes, float(document["worth"]), blocks)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptDocument(f"not shared curves: {error}") from error
