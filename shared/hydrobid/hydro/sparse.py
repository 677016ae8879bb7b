"""A mixed-integer linear model in sparse arrays, and what collects one block by block.

Blocks of columns and rows keep their shape: what is per element and period is an array of that
shape that holds the positions in the model, so that no equation computes a position.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SparseModel:
    """Minimise costs @ x with lower <= x <= upper, row_lower <= A x <= row_upper, some x whole.

    (C,) costs, lower, upper and integer by columns, (N,) row_lower and row_upper by rows. A is
    held by columns: of column c the rows `index[starts[c] : starts[c + 1]]` in rising order and
    their coefficients `value[...]`. blocks: (first row, what the rows say), by rising first row.
    """

    costs: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    integer: NDArray[np.bool_]
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    starts: NDArray[np.int32]
    index: NDArray[np.int32]
    value: NDArray[np.float64]
    blocks: tuple[tuple[int, str], ...]

    @property
    def height(self) -> int:
        """The number of rows."""
        return int(self.row_lower.size)

    @property
    def width(self) -> int:
        """The number of columns."""
        return int(self.costs.size)

    def row_name(self, row: int) -> str:
        """Return what a row says, for people."""
        first, name = [block for block in self.blocks if block[0] <= row][-1]
        return f"{name} [{row - first}]"


@dataclass
class ModelBuilder:
    """Collects columns, rows and coefficients; `build` puts them in order."""

    _columns: list[tuple[NDArray[np.float64], ...]] = field(default_factory=list)
    _rows: list[tuple[NDArray[np.float64], ...]] = field(default_factory=list)
    _entries: list[tuple[Positions, Positions, NDArray[np.float64]]] = field(default_factory=list)
    _costs: list[tuple[Positions, NDArray[np.float64]]] = field(default_factory=list)
    _blocks: list[tuple[int, str]] = field(default_factory=list)
    _width: int = 0
    _height: int = 0

    def columns(
        self,
        shape: int | tuple[int, ...],
        *,
        cost: ArrayLike = 0.0,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        integer: bool = False,
    ) -> Positions:
        """Append a block of columns and return their positions in its shape."""
        positions = self._width + np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        self._columns.append(
            tuple(_filled(values, positions) for values in (cost, lower, upper, float(integer)))
        )
        self._width += positions.size
        return positions

    def rows(
        self,
        shape: int | tuple[int, ...],
        name: str,
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> Positions:
        """Append a block of rows that say `name` and return their positions in its shape."""
        positions = self._height + np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        self._rows.append(tuple(_filled(values, positions) for values in (lower, upper)))
        self._blocks.append((self._height, name))
        self._height += positions.size
        return positions

    def add(self, rows: Positions, columns: Positions, values: ArrayLike) -> None:
        """Add coefficients where rows and columns of one shape meet; values of that shape or one.

        What is added twice in one place is summed.
        """
        coefficients = _filled(values, columns)
        kept = coefficients != 0
        self._entries.append((rows.ravel()[kept], columns.ravel()[kept], coefficients[kept]))

    def add_cost(self, columns: Positions, costs: ArrayLike) -> None:
        """Add to what columns cost."""
        self._costs.append((columns.ravel(), _filled(costs, columns)))

    def build(self) -> SparseModel:
        """Return the model that was collected."""
        costs, lower, upper, integer = (np.concatenate(v) for v in zip(*self._columns, strict=True))
        row_lower, row_upper = (np.concatenate(v) for v in zip(*self._rows, strict=True))
        for positions, added in self._costs:
            np.add.at(costs, positions, added)
        rows, columns, values = (np.concatenate(v) for v in zip(*self._entries, strict=True))
        places, group = np.unique(columns * self._height + rows, return_inverse=True)
        starts = np.searchsorted(places, np.arange(self._width + 1) * self._height)
        return SparseModel(
            costs=costs,
            lower=lower,
            upper=upper,
            integer=integer.astype(np.bool_),
            row_lower=row_lower,
            row_upper=row_upper,
            starts=starts.astype(np.int32),
            index=(places % self._height).astype(np.int32),
            value=np.bincount(group, weights=values, minlength=places.size).astype(np.float64),
            blocks=tuple(self._blocks),
        )


def _filled(values: ArrayLike, positions: Positions) -> NDArray[np.float64]:
    """Return a value for each position, flat."""
    return np.broadcast_to(np.asarray(values, dtype=np.float64), positions.shape).ravel()
