"""A single schedule drawn on a page that holds all it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hydrobid.cli.report import palette
from hydrobid.cli.report.html import environment, scripts
from hydrobid.cli.report.words import number
from hydrobid.cli.solution.csv_files import past_the_plants
from hydrobid.domain.time import utc_text
from hydrobid.domain.watercourse import Plant, Reservoir
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.schedule import Schedule

Figure = dict[str, Any]
SHORT, TALL = 280, 320
# From dark to light, so that units stacked on one another are told apart in grey as well.
SHADES = ("#1b4f72", "#3f7ba0", "#74a3c0", "#a7c6d9", "#cfdfe8")
PUMP_SHADES = ("#8c3d10", "#bd7a4f", "#dfb596")


@dataclass(frozen=True)
class Chart:
    """A chart and what is written over it."""

    key: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class Section:
    """Charts that are read together."""

    title: str
    lead: str
    charts: tuple[Chart, ...]


def schedule_page(problem: Problem, prices: Series, schedule: Schedule) -> str:
    """Return the page as HTML; the same schedule gives the same page."""
    horizon, worth = problem.horizon, schedule.objective
    sections = list(_sections(problem, prices, schedule))
    content = {
        "name": str(problem.watercourse.name),
        "start": f"{horizon.start:%Y-%m-%d %H:%M}",
        "end": f"{horizon.end:%Y-%m-%d %H:%M}",
        "periods": len(problem),
        "headline": f"A schedule worth {number(worth.total, 0)}",
        "standfirst": _standfirst(schedule),
        "figures": [
            (number(worth.sales, 0), "sold, less what was bought"),
            (number(worth.end_value, 0), "value of the water that is left"),
            (number(worth.start_costs, 0), "spent on starts and stops"),
            (number(worth.penalties, 0), "penalties of broken limits"),
        ],
        "violations": [violation.to_document() for violation in schedule.violations],
        "sections": sections,
        "method": f"Found by {schedule.method}: {schedule.reason or 'as it is made'}; "
        f"ended {schedule.termination.replace('_', ' ')} after {schedule.iterations} iterations.",
        "chart_data": {chart.key: chart.figure for section in sections for chart in section.charts},
    }
    return environment().get_template("schedule.html").render(content | scripts())


def _standfirst(schedule: Schedule) -> str:
    broken = len(schedule.violations)
    kept = "All limits are kept." if not broken else f"Limits are broken: {broken}."
    if schedule.bound is None or schedule.gap is None:
        return f"{kept} Every figure is that of an exact simulation."
    return (
        f"{kept} No schedule is worth more than {number(schedule.bound, 0)}: at most "
        f"{number(schedule.gap * 100, 4)} % is left to gain."
    )


def _sections(problem: Problem, prices: Series, schedule: Schedule) -> Iterator[Section]:
    axis = _Axis(problem)
    price = axis.step(prices, "Price", {"color": palette.INK, "width": 1.8})
    yield Section(
        "Price", "At which power is sold.", (Chart("price", "", axis.figure([price], "per MWh")),)
    )
    yield Section(
        "Power",
        "Each unit's power on top of the one before; pumps below zero.",
        tuple(
            Chart(f"power-{plant.name}", plant.name, _power(axis, plant, schedule))
            for plant in problem.watercourse.plants
        ),
    )
    past = past_the_plants(problem.watercourse, schedule)
    yield Section(
        "Water",
        "Volume between its limits, and what flows past the plants where anything does.",
        tuple(
            Chart(f"volume-{r.name}", _title(problem, r, past[r.name]), _volume(axis, r, schedule))
            for r in problem.watercourse.reservoirs
        ),
    )


def _title(problem: Problem, reservoir: Reservoir, past: Series) -> str:
    water = float(past @ problem.horizon.hours) * WATER_OF_FLOW
    spilled = f", {number(water, 3)} Mm\u00b3 past the plants" if water > 0 else ""
    return f"{reservoir.name}{spilled}"


def _power(axis: _Axis, plant: Plant, schedule: Schedule) -> Figure:
    """Return a plant's units stacked; the plant as a whole where units are not told apart."""
    units = [(unit.name, SHADES, at, "up") for at, unit in enumerate(plant.units)]
    pumps = [(pump.name, PUMP_SHADES, at, "down") for at, pump in enumerate(plant.pumps)]
    parts = [
        (name, schedule.unit_power[name], shades[at % len(shades)], stack)
        for name, shades, at, stack in (*units, *pumps)
        if name in schedule.unit_power
    ]
    if not parts:
        parts = [(plant.name, schedule.plant_power[plant.name], SHADES[0], "up")]
    areas = [
        axis.step(
            power,
            str(name),
            {"width": 0},
            stackgroup=stack,
            fillcolor=color,
            hovertemplate=f"%{{y:.2f}} MW<extra>{name}</extra>",
        )
        for name, power, color, stack in parts
    ]
    return axis.figure(areas, "MW", height=TALL, hovermode="x")


def _volume(axis: _Axis, reservoir: Reservoir, schedule: Schedule) -> Figure:
    volume = schedule.volume[reservoir.name]
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": axis.bounds,
        "y": volume.round(4).tolist(),
        "name": "Volume",
        "line": {"color": palette.WATER, "width": 2.2},
        "hovertemplate": "%{y:.3f} Mm\u00b3<extra></extra>",
    }
    limits = [
        axis.step(
            np.full(len(axis.bounds) - 1, limit),
            name,
            {"color": palette.MUTED, "width": 1, "dash": "dot"},
            hoverinfo="skip",
        )
        for name, limit in (
            ("Highest", reservoir.volume_max),
            ("Lowest", reservoir.volume_min),
        )
    ]
    room = 0.04 * (reservoir.volume_max - reservoir.volume_min)
    low = min(reservoir.volume_min, float(volume.min())) - room
    high = max(reservoir.volume_max, float(volume.max())) + room
    return axis.figure([*limits, line], "Mm\u00b3", {"range": [low, high]}, showlegend=False)


class _Axis:
    """The horizon's time as a chart's axis, UTC."""

    def __init__(self, problem: Problem) -> None:
        self.bounds = [utc_text(bound).removesuffix("Z") for bound in problem.horizon.bounds]

    def step(self, series: Series, name: str, line: dict[str, Any], **more: Any) -> Figure:
        """Return a line that holds each period's value to its end."""
        values = series.round(4).tolist()
        return {
            "type": "scatter",
            "mode": "lines",
            "x": self.bounds,
            "y": [*values, values[-1]],
            "name": name,
            "line": {"shape": "hv", **line},
            **more,
        }

    def figure(
        self,
        data: list[Figure],
        unit: str,
        y: dict[str, Any] | None = None,
        *,
        height: int = SHORT,
        **more: Any,
    ) -> Figure:
        """Return a chart over the horizon."""
        x = {"type": "date", "range": [self.bounds[0], self.bounds[-1]]}
        return {"data": data, "layout": palette.layout(x, y or {}, unit, height, **more)}
