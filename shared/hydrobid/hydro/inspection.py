"""Scenarios that need no solver: those in which no volume limit binds.

Where the water balances are the only rows, each flow is at the limit that its price asks for as
long as the volumes that follow keep theirs. That is the starting basis of the simplex method; where
it is optimal, a few products with arrays show it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hydrobid.hydro.highs import Solution
from hydrobid.hydro.model import HydroModel
from hydrobid.hydro.schedule import Termination

Array = NDArray[np.float64]

# Currency per choice: what is nearer to breaking even is left to the solver.
NEAR_ZERO = 1e-7
# Mm3 by which a volume may pass its limit, as the solver's tolerance has it.
NEAR_LIMIT = 1e-9


class Inspection:
    """Looks whether the starting basis of a plain model is optimal."""

    def __init__(self, model: HydroModel, moves: csr_array) -> None:
        """moves: (R T, S T) Mm3 that leave the balance of each row by one unit of each choice."""
        self._model, self._moves = model, moves
        self._lower = model.sparse.lower[model.volume]
        self._upper = model.sparse.upper[model.volume]
        self._most = model.sparse.upper[model.stream.ravel()]

    def solve(self, costs: Array, natural: Array) -> Solution | None:
        """Return the optimum at (C,) costs and (R, T) natural water; None: ask the solver."""
        model = self._model
        # What another Mm3 costs: nothing but what it is worth in store from then on.
        duals = np.cumsum(costs[model.volume][:, ::-1], axis=1)[:, ::-1]
        reduced = costs[model.stream.ravel()] - self._moves.T @ duals.ravel()
        if np.any(np.abs(reduced) <= NEAR_ZERO):
            return None
        choices = np.where(reduced < 0, self._most, 0.0)
        if not np.all(np.isfinite(choices)):
            return None
        volumes = np.cumsum(natural - (self._moves @ choices).reshape(natural.shape), axis=1)
        inside = (volumes >= self._lower - NEAR_LIMIT) & (volumes <= self._upper + NEAR_LIMIT)
        if not np.all(inside):
            return None
        columns = np.empty(model.sparse.width)
        columns[model.stream.ravel()], columns[model.volume] = choices, volumes
        row_duals = np.empty(model.sparse.height)
        row_duals[model.balance] = duals
        objective = float(costs @ columns)
        return Solution(columns, row_duals, objective, objective, Termination.OPTIMAL, 0)
