"""A single schedule on the screen. Text from outside is never markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from hydrobid.cli.render import new_table
from hydrobid.cli.solution.csv_files import past_the_plants
from hydrobid.domain.watercourse import Plant
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.schedule import Schedule, Timings
from hydrobid.hydro.simulator import switches

MOST_IGNORED = 8
LONGEST_PERIODS = 60


def solution_view(
    problem: Problem,
    prices: Series,
    schedule: Schedule,
    timings: Timings,
    ignored: Sequence[str],
    unproven: str = "",
) -> RenderableType:
    """Return what a schedule is worth and does, what it breaks, and how it was found.

    unproven: why there is no bound, where one was asked for.
    """
    return Group(
        _headline(problem),
        _objective(schedule),
        *_unproven(unproven),
        _plants(problem, prices, schedule),
        _reservoirs(problem, schedule),
        *_violations(schedule),
        *_ignored(ignored),
        _method(schedule, timings),
    )


def _headline(problem: Problem) -> Text:
    horizon = problem.horizon
    return Text.assemble(
        (problem.watercourse.name, "bold"),
        f", {horizon.start:%Y-%m-%d %H:%M} to {horizon.end:%Y-%m-%d %H:%M} UTC, "
        f"{len(problem)} periods",
    )


def _objective(schedule: Schedule) -> RenderableType:
    parts = schedule.objective
    table = new_table("worth", ">currency")
    table.add_row("sales", _money(parts.sales))
    table.add_row("end value of water", _money(parts.end_value))
    table.add_row("start and stop costs", _money(-parts.start_costs))
    if parts.penalties:
        table.add_row(Text("penalties", style="red"), Text(_money(-parts.penalties), style="red"))
    table.add_row(Text("total", style="bold"), Text(_money(parts.total), style="bold"))
    if schedule.bound is not None and schedule.gap is not None:
        table.add_row("no schedule is worth more than", _money(schedule.bound))
        table.add_row("so what is left to gain is at most", f"{schedule.gap:.4%}")
    return table


def _unproven(why: str) -> Iterator[RenderableType]:
    if why:
        yield Text(f"No bound: {why}.", "yellow")


def _plants(problem: Problem, prices: Series, schedule: Schedule) -> RenderableType:
    hours = problem.horizon.hours
    table = new_table(
        "plant",
        "unit",
        ">MWh",
        ">Mm3",
        ">MWh/Mm3",
        ">hours on",
        ">starts",
        ">price at which it sold",
    )
    for plant in problem.watercourse.plants:
        energy = schedule.plant_power[plant.name] * hours
        water = float(schedule.discharge[plant.name] @ hours) * WATER_OF_FLOW
        table.add_row(
            Text(plant.name, style="bold"),
            "",
            *_energies(float(np.sum(energy)), water),
            "",
            "",
            _mean_price(energy, prices),
        )
        for row in _machines(problem, plant, prices, schedule):
            table.add_row("", *row)
    return table


def _machines(
    problem: Problem, plant: Plant, prices: Series, schedule: Schedule
) -> Iterator[tuple[str | Text, ...]]:
    hours = problem.horizon.hours
    for machine in plant.machines:
        name = machine.name
        if name not in schedule.unit_on:
            continue
        on = schedule.unit_on[name]
        starts, _ = switches(on, problem.start.on.get(name))
        energy = schedule.unit_power[name] * hours
        water = float(schedule.unit_flow[name] @ hours) * WATER_OF_FLOW
        yield (
            Text(name),
            *_energies(float(np.sum(energy)), water),
            f"{float(hours @ on):.6g}",
            str(int(np.count_nonzero(starts))),
            _mean_price(energy, prices),
        )


def _reservoirs(problem: Problem, schedule: Schedule) -> RenderableType:
    past = past_the_plants(problem.watercourse, schedule)
    table = new_table(
        "reservoir", ">start Mm3", ">end Mm3", ">lowest", ">highest", ">past the plants Mm3",
        ">price of water at the end",
    )  # fmt: skip
    for reservoir in problem.watercourse.reservoirs:
        volume = schedule.volume[reservoir.name]
        spilled = float(past[reservoir.name] @ problem.horizon.hours) * WATER_OF_FLOW
        price = schedule.water_price.get(reservoir.name)
        table.add_row(
            Text(reservoir.name, style="bold"),
            *map(_water, (volume[0], volume[-1], volume.min(), volume.max(), spilled)),
            "-" if price is None else _money(float(price[-1])),
        )
    return table


def _violations(schedule: Schedule) -> Iterator[RenderableType]:
    if not schedule.violations:
        yield Text("No limit is broken.", style="green")
        return
    table = new_table("broken limit", "of", "in periods", ">at most", ">penalty")
    for violation in schedule.violations:
        periods = ", ".join(map(str, violation.mtus))
        shown = periods if len(periods) <= LONGEST_PERIODS else f"{periods[:LONGEST_PERIODS]}..."
        table.add_row(
            Text(violation.code.replace("_", " "), style="red"),
            Text(violation.element),
            shown,
            f"{violation.excess:.4g} {violation.unit}".strip(),
            _money(violation.penalty),
        )
    yield table


def _ignored(ignored: Sequence[str]) -> Iterator[RenderableType]:
    if ignored:
        rest = len(ignored) - MOST_IGNORED
        more = f" and {rest} more; --json has them all" if rest > 0 else ""
        yield Text(f"Ignored in the model: {', '.join(ignored[:MOST_IGNORED])}{more}", style="dim")


def _method(schedule: Schedule, timings: Timings) -> Text:
    spent = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in timings.to_document().items())
    reason = f" ({schedule.reason})" if schedule.reason else ""
    ended = schedule.termination.replace("_", " ")
    return Text(f"Method: {schedule.method}{reason}; ended: {ended}; {spent}.")


def _energies(energy: float, water: float) -> tuple[str, str, str]:
    rate = f"{energy / water:.1f}" if water > 0 else "-"
    return f"{energy:,.1f}", f"{water:.3f}", rate


def _mean_price(energy: Series, prices: Series) -> str:
    total = float(np.sum(energy))
    return f"{float(energy @ prices) / total:.2f}" if total > 0 else "-"


def _water(amount: float) -> str:
    return f"{round(float(amount), 3) + 0.0:.3f}"


def _money(amount: float) -> str:
    return f"{round(amount, 2) + 0.0:,.2f}"
