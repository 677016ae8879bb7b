"""Units and pumps on or off: starts and stops, and times that they stay so.

u is 1 while a machine runs, y and z are 1 in the period in which it starts and stops:

    u - u before = y - z
    starts within up_time_min <= u            stops within down_time_min <= 1 - u

(Rajan and Takriti, Minimum Up/Down Polytopes of the Unit Commitment Problem, IBM 2005), the windows
counted in hours, so that periods may be of any length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import GeneratingUnit, Pump
from hydrobid.hydro.curves import ProductionCurve
from hydrobid.hydro.draft import Draft
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.sparse import Positions

Array = NDArray[np.float64]


def add_commitment(draft: Draft) -> None:
    """Add what binds committed machines."""
    for plant in draft.problem.watercourse.plants:
        for machine in plant.machines:
            curve = draft.production.get(machine.name)
            if curve is not None and curve.committed and not curve.settled:
                _Machine(draft, machine, curve).add()


class _Machine:
    """One committed unit or pump: `on` are its streams that are off or on, one a range."""

    def __init__(
        self, draft: Draft, machine: GeneratingUnit | Pump, curve: ProductionCurve
    ) -> None:
        self.draft, self.machine, self.curve = draft, machine, curve
        self.streams = draft.streams.of_machine(machine.name)
        self.on = [at for at in self.streams if draft.streams.each[at].whole]
        self.periods: Positions = np.arange(len(draft.problem))
        self.up = getattr(machine, "up_time_min", 0.0) / 60
        self.down = getattr(machine, "down_time_min", 0.0) / 60

    def add(self) -> None:
        """Add all of the machine's equations."""
        self._segments()
        if len(self.on) > 1:
            rows = self.draft.rows(self.periods, f"one range of {self.machine.name}", upper=1.0)
            self._running(rows, self.periods)
        stop_cost = getattr(self.machine, "stop_cost", 0.0)
        if self.machine.start_cost or stop_cost or self.up or self.down:
            start, stop = self._switches(self.machine.start_cost, stop_cost)
            self._stays(start, self.up, f"up_time_min of {self.machine.name}", on=True)
            self._stays(stop, self.down, f"down_time_min of {self.machine.name}", on=False)
            self._stays_from_before()

    def _running(self, rows: Positions, periods: Positions, factor: float = 1.0) -> None:
        """Add whether the machine runs in (N,) periods to their rows."""
        for stream in self.on:
            self.draft.builder.add(rows, self.draft.stream[stream, periods], factor)

    def _segments(self) -> None:
        """Let flow beyond the least one only where the machine runs in that range."""
        draft, each = self.draft, self.draft.streams.each
        ranges = {each[at].part: at for at in self.on}
        for at in self.streams:
            if not each[at].whole:
                rows = draft.rows(self.periods, f"segment of {self.machine.name}", upper=0.0)
                on = draft.stream[ranges[each[at].part]]
                draft.builder.add(rows, draft.stream[at], 1.0)
                draft.builder.add(rows, on, -each[at].upper)

    def _switches(self, start_cost: float, stop_cost: float) -> tuple[Positions, Positions]:
        """Add and return the (T,) starts and stops; what nothing is known before is neither."""
        draft, builder = self.draft, self.draft.builder
        before = draft.problem.start.on.get(self.machine.name)
        upper = np.ones(self.periods.size)
        upper[0] = before is not None
        start = builder.columns(self.periods.size, cost=start_cost, upper=upper)
        stop = builder.columns(self.periods.size, cost=stop_cost, upper=upper)
        known = self.periods if before is not None else self.periods[1:]
        earlier = np.where(known > 0, 0.0, float(bool(before)))
        name = f"starts and stops of {self.machine.name}"
        rows = draft.rows(known, name, lower=earlier, upper=earlier)
        self._running(rows, known)
        later = known > 0
        self._running(rows[later], known[later] - 1, -1.0)
        builder.add(rows, start[known], -1.0)
        builder.add(rows, stop[known], 1.0)
        return start, stop

    def _stays(self, switch: Positions, hours: float, name: str, *, on: bool) -> None:
        """Keep the machine on, or off, for some hours from each switch."""
        if not hours:
            return
        draft = self.draft
        rows = draft.rows(self.periods, name, upper=0.0 if on else 1.0)
        began = draft.problem.horizon.hours_since_start[:-1]
        # A switch counts in its own period and in each that begins before the hours are over.
        lasting = (began[:, None] <= began) & (began < began[:, None] + hours - 1e-9)
        switched, period = np.nonzero(lasting | np.eye(began.size, dtype=np.bool_))
        draft.builder.add(rows[period], switch[switched], 1.0)
        self._running(rows, self.periods, -1.0 if on else 1.0)

    def _stays_from_before(self) -> None:
        """Keep the machine as it was before the horizon for what is left of its time.

        Maintenance or a dry reservoir may forbid it: then it is missed.
        """
        start = self.draft.problem.start
        if self.machine.name not in start.on or self.machine.name not in start.hours_in_state:
            return
        on = start.on[self.machine.name]
        left = (self.up if on else self.down) - start.hours_in_state[self.machine.name]
        began = self.draft.problem.horizon.hours_since_start[:-1]
        periods = np.flatnonzero(began < left - 1e-9)
        if periods.size:
            code = ViolationCode.UP_TIME if on else ViolationCode.DOWN_TIME
            name = f"{code.value} of {self.machine.name} from before"
            sign = 1.0 if on else -1.0
            rows = self.draft.rows(periods, name, lower=1.0 if on else 0.0)
            self._running(rows, periods, sign)
            price = self.draft.penalties.power * self.machine.power_max
            self.draft.may_miss(rows, periods, 1.0, code, self.machine.name, "1", price)
