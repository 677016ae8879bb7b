"""A schedule as CSV: what units do, what is in the reservoirs, what flows past the plants."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hydrobid.domain.time import utc_text
from hydrobid.domain.watercourse import Pump, Watercourse
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.schedule import Schedule


def csv_files(problem: Problem, schedule: Schedule) -> dict[str, str]:
    """Return the files by name, a row for each period of each element, its start in UTC.

    units.csv: `unit,start,discharge_m3s,power_mw,on`; a pump's discharge and power are below zero.
    reservoirs.csv: `reservoir,start,volume_mm3,spill_m3s`: the volume at the start of the period,
    and all water that leaves past the plants, by gates and overflow. gates.csv, where there are
    gates: `gate,start,flow_m3s`.
    """
    starts = [utc_text(start) for start in problem.horizon.starts]
    files = {
        "units.csv": _table(
            ("discharge_m3s", "power_mw", "on"), "unit", _units(problem, schedule), starts
        ),
        "reservoirs.csv": _table(
            ("volume_mm3", "spill_m3s"), "reservoir", _reservoirs(problem, schedule), starts
        ),
    }
    if schedule.gate_flow:
        gates = ((name, (flow,)) for name, flow in schedule.gate_flow.items())
        files["gates.csv"] = _table(("flow_m3s",), "gate", gates, starts)
    return files


def past_the_plants(watercourse: Watercourse, schedule: Schedule) -> dict[str, Series]:
    """Return the (T,) m3/s that leave each reservoir by gates and overflow."""
    nothing = np.zeros_like(schedule.net_power)
    past = {str(r.name): nothing + schedule.spill.get(r.name, 0.0) for r in watercourse.reservoirs}
    for gate in watercourse.gates:
        past[gate.reservoir] = past[gate.reservoir] + schedule.gate_flow[gate.name]
    return past


Rows = Iterable[tuple[str, Sequence[Sequence[Any] | Series]]]


def _units(problem: Problem, schedule: Schedule) -> Rows:
    """Yield the machines that the schedule tells apart; a linear model knows plants alone."""
    for plant in problem.watercourse.plants:
        for machine in plant.machines:
            name = machine.name
            if name in schedule.unit_flow:
                sign = -1.0 if isinstance(machine, Pump) else 1.0
                flow = sign * schedule.unit_flow[name] + 0.0
                yield name, (flow, schedule.unit_power[name], schedule.unit_on[name].astype(int))


def _reservoirs(problem: Problem, schedule: Schedule) -> Rows:
    past = past_the_plants(problem.watercourse, schedule)
    for reservoir in problem.watercourse.reservoirs:
        yield reservoir.name, (schedule.volume[reservoir.name][:-1], past[reservoir.name])


def _table(columns: Sequence[str], element: str, rows: Rows, starts: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((element, "start", *columns))
    for name, series in rows:
        for at, start in enumerate(starts):
            writer.writerow((name, start, *(_cell(values[at]) for values in series)))
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return the shortest text that reads back as the same number."""
    return repr(value.item() if hasattr(value, "item") else value)
