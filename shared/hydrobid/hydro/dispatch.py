"""From a plant's modes and total flow to its units: which of them run, and how they share it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import GeneratingUnit
from hydrobid.hydro.mode_tables import machine_table
from hydrobid.hydro.modes import Kind
from hydrobid.hydro.physics import losses, machine_powers
from hydrobid.hydro.plant_model import PlantModel, Positions
from hydrobid.hydro.problem import Flags, Problem, Series

Array = NDArray[np.float64]

# Rounds of exchange between all pairs of machines; the second seldom finds anything.
ROUNDS = 3
# Rounds after which limits and the losses of the flows within them agree.
AGREEMENTS = 6
# Corrections of flows whose power is beyond a limit by less than NEAR of the greatest power.
NUDGES = 3
NEAR = 0.01
# Share of a limit of power kept free for the head to change as flows are rounded.
MARGIN = 1e-6
# MW by which an exchange must better a split: below, rounding would turn it back.
GAIN = 1e-7


class Dispatch:
    """Assigns a plant's modes and flows to its machines, over the periods of a problem."""

    def __init__(self, problem: Problem, model: PlantModel) -> None:
        self._problem = problem
        self._model = model
        self._tables = [
            [machine_table(running, model.heads) for running in kind.ranges] for kind in model.kinds
        ]

    def on(self, mode: Positions) -> dict[Identifier, Flags]:
        """Return which machines run in (T,) modes.

        Of machines that are alike those go on running that run; who must start is off the
        longest, who may stop is on the longest, so that times in a state are kept where they can.
        """
        states: dict[Identifier, Flags] = {}
        for at, kind in enumerate(self._model.kinds):
            states |= self._on_of_kind(kind, self._model.counts[mode, at])
        return states

    def _on_of_kind(self, kind: Kind, counts: NDArray[np.int64]) -> dict[Identifier, Flags]:
        start, available = self._problem.start, self._problem.limits.available
        running = [name for name in kind.names if start.on.get(name, False)]
        waiting = [name for name in kind.names if not start.on.get(name, False)]
        states = {name: np.zeros(counts.size, dtype=np.bool_) for name in kind.names}
        for period, count in enumerate(counts.tolist()):
            gone = [name for name in running if not available[name][period]]
            running = [name for name in running if name not in gone]
            waiting += gone
            while len(running) > count:
                waiting.append(running.pop(0))
            for name in [name for name in waiting if available[name][period]]:
                if len(running) < count:
                    waiting.remove(name)
                    running.append(name)
            for name in running:
                states[name][period] = True
        return states

    def share(
        self, mode: Positions, flow: Array, head: Array, on: Mapping[Identifier, Flags]
    ) -> dict[Identifier, Series]:
        """Return the (T,) flow of each machine that makes most of the (T,) flow of all.

        A flow that the mode cannot take at these heads is cut to one that it can.
        """
        count = np.maximum(np.sum(list(on.values()), axis=0), 1)
        flows = {name: np.where(states, flow / count, 0.0) for name, states in on.items()}
        least, most = self.limits(mode, flows, head, on)
        for _ in range(AGREEMENTS):
            low, high = sum(least.values()), sum(most.values())
            part = np.clip((flow - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
            flows = {name: least[name] + part * (most[name] - least[name]) for name in on}
            least, most = self.limits(mode, flows, head, on)
        for _ in range(ROUNDS):
            before = {name: values.copy() for name, values in flows.items()}
            for one, other in combinations(on, 2):
                if np.any(on[one] & on[other]):
                    self._exchange(flows, head, (one, other), on, (least, most))
            if all(np.array_equal(before[name], flows[name]) for name in on):
                break
        return self._within_power(flows, head, on)

    def fitted(
        self,
        mode: Positions,
        flows: Mapping[Identifier, Array],
        head: Array,
        on: Mapping[Identifier, Flags],
    ) -> dict[Identifier, Series]:
        """Return each machine's flow, cut to what the mode can take at (T,) heads."""
        least, most = self.limits(mode, flows, head, on)
        cut = {name: np.clip(flows[name], least[name], most[name]) for name in on}
        return self._within_power(cut, head, on)

    def _within_power(
        self, flows: dict[Identifier, Array], head: Array, on: Mapping[Identifier, Flags]
    ) -> dict[Identifier, Array]:
        """Return flows nudged so that no machine's power is beyond its limits by a table's error."""
        for _ in range(NUDGES):
            power = machine_powers(self._model.plant, flows, head)
            for machine in self._model.plant.machines:
                made = np.abs(power[machine.name])
                least, most = machine.power_min, machine.power_max
                asked = np.clip(made, least * (1 + MARGIN), most * (1 - MARGIN))
                moved = flows[machine.name] * asked / np.maximum(made, 1e-9)
                near = on[machine.name] & (np.abs(asked - made) < NEAR * most)
                flows[machine.name] = np.where(near, moved, flows[machine.name])
        return flows

    def limits(
        self,
        mode: Positions,
        flows: Mapping[Identifier, Array],
        head: Array,
        on: Mapping[Identifier, Flags],
    ) -> tuple[dict[Identifier, Array], dict[Identifier, Array]]:
        """Return the least and greatest flow of each machine at the losses of (T,) flows.

        Both are zero where it is off.
        """
        least = {name: np.zeros_like(head) for name in on}
        most = {name: np.zeros_like(head) for name in on}
        lost = losses(self._model.plant, flows)
        for at, kind in enumerate(self._model.kinds):
            sign = -1.0 if kind.pumps else 1.0
            taken = np.zeros(head.size, dtype=np.intp)
            for name in kind.names:
                ranges = self._ranges(mode, at, taken)
                for position, table in enumerate(self._tables[at]):
                    here = on[name] & (ranges == position)
                    low, high = table.limits(head - sign * lost[name])
                    least[name], most[name] = (
                        np.where(here, low, least[name]),
                        np.where(here, high, most[name]),
                    )
                taken += on[name]
        return least, most

    def _ranges(self, mode: Positions, kind: int, taken: Positions) -> Positions:
        """Return the range in which the next machine of a kind runs, `taken` having theirs."""
        ranges = np.full((len(self._model.modes), taken.max() + 1), -1, dtype=np.intp)
        for at, one in enumerate(self._model.modes):
            running = one.running[kind][: ranges.shape[1]]
            ranges[at, : len(running)] = running
        return ranges[mode, taken]

    def _exchange(
        self,
        flows: dict[Identifier, Array],
        head: Array,
        pair: tuple[Identifier, Identifier],
        on: Mapping[Identifier, Flags],
        limits: tuple[dict[Identifier, Array], dict[Identifier, Array]],
    ) -> None:
        """Let two machines share their flow otherwise where that makes more power."""
        one, other = pair
        both, (least, most) = flows[one] + flows[other], limits
        parts = np.array(
            [
                flows[one],
                least[one],
                most[one],
                both - least[other],
                both - most[other],
                *(np.full_like(both, corner) for corner in self.corners(one)),
                *(both - corner for corner in self.corners(other)),
            ]
        )
        tried = {name: np.broadcast_to(values, parts.shape) for name, values in flows.items()}
        tried[one], tried[other] = parts, both - parts
        power = np.sum(list(machine_powers(self._model.plant, tried, head).values()), axis=0)
        within = (parts >= least[one]) & (parts <= most[one])
        within &= (both - parts >= least[other]) & (both - parts <= most[other])
        power[1:] = np.where(within[1:], power[1:], -np.inf)
        best = np.argmax(power, axis=0)
        column = np.arange(both.size)
        better = on[one] & on[other] & (power[best, column] > power[0] + GAIN)
        chosen = np.where(better, parts[best, column], flows[one])
        flows[other] = both - chosen
        flows[one] = chosen

    def corners(self, name: Identifier) -> Array:
        machine = next(m for m in self._model.plant.machines if m.name == name)
        curves = machine.turbine if isinstance(machine, GeneratingUnit) else machine.curves
        return np.unique([flow for curve in curves for flow in curve.flow])
