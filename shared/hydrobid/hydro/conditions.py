"""What a watercourse's conditions make of a problem: steps in time become values in periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.conditions import Conditions, Maintenance, Quantity, Steps, TradeSteps
from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.horizon import Horizon

if TYPE_CHECKING:  # a problem is built under its watercourse's conditions
    from hydrobid.hydro.problem import Limits, Problem, StartState, Trade

Series = NDArray[np.float64]


class _Reading(Protocol):
    """How steps are read into periods, given what holds where no step does."""

    def __call__(self, steps: Steps, horizon: Horizon, otherwise: float) -> Series: ...


def under_conditions(problem: Problem, conditions: Conditions) -> Problem:
    """Return the problem as it is under conditions; what they do not name stays as it was."""
    horizon = problem.horizon
    return replace(
        problem,
        inflow=_read(conditions.inflow, problem.inflow, means, horizon),
        limits=_limits(problem.limits, conditions, horizon),
        start=_start(problem.start, conditions),
        trade=_trade(problem.trade, conditions.trade, horizon),
        reserve_up=_reserves(conditions.reserve_up, horizon),
        reserve_down=_reserves(conditions.reserve_down, horizon),
    )


def means(steps: Steps, horizon: Horizon, otherwise: float) -> Series:
    """Return the (T,) mean of steps over each period, exact where one value holds all through."""
    changes, values = _pieces(steps, horizon, otherwise)
    bounds = horizon.hours_since_start
    first, last = _extent(changes, bounds)
    # The integral of a step function is linear between its steps: its differences are the means.
    until = np.append(changes, max(changes[-1], bounds[-1]))
    integral = np.concatenate([[0.0], np.cumsum(values * np.diff(until))])
    averages = np.diff(np.interp(bounds, until, integral)) / np.diff(bounds)
    return np.where(first == last, values[first], averages)


def highest(steps: Steps, horizon: Horizon, otherwise: float) -> Series:
    """Return the (T,) largest of the values that hold in each period."""
    changes, values = _pieces(steps, horizon, otherwise)
    first, last = _extent(changes, horizon.hours_since_start)
    # reduceat takes [first, last] and, in between, what nobody asked for.
    slices = np.column_stack([first, last + 1]).ravel()
    largest: Series = np.maximum.reduceat(np.append(values, values[-1]), slices)[::2]
    return largest


def lowest(steps: Steps, horizon: Horizon, otherwise: float) -> Series:
    """Return the (T,) smallest of the values that hold in each period."""
    mirrored = steps.model_copy(update={"values": tuple(_negated(v) for v in steps.values)})
    return -highest(mirrored, horizon, -otherwise)


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _pieces(steps: Steps, horizon: Horizon, otherwise: float) -> tuple[Series, Series]:
    """Return (K,) hours since the horizon's start at which values begin to hold, and the values."""
    hours = [_hours(at, horizon) for at in steps.times]
    stated = [otherwise if value is None else value for value in steps.values]
    # What holds before the first step is a piece as well; it begins where anything could.
    before = min(0.0, hours[0]) - 1.0
    return np.array([before, *hours]), np.array([otherwise, *stated])


def _hours(at: datetime, horizon: Horizon) -> float:
    return (at - horizon.start).total_seconds() / 3600.0


def _extent(changes: Series, bounds: Series) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last piece that holds within each period."""
    first = np.searchsorted(changes, bounds[:-1], side="right") - 1
    last = np.searchsorted(changes, bounds[1:], side="left") - 1
    return first, last


_LIMITS: dict[Quantity, _Reading] = {
    quantity: highest if quantity.value.endswith("_min") else lowest for quantity in Quantity
}


def _limits(limits: Limits, conditions: Conditions, horizon: Horizon) -> Limits:
    changed = {
        quantity.value: _read(steps, getattr(limits, quantity.value), _LIMITS[quantity], horizon)
        for quantity, steps in conditions.limits.items()
    }
    available = dict(limits.available)
    for name, times in conditions.maintenance.items():
        for time in times:
            available[name] = available[name] & ~_touched(time, horizon)
    return replace(limits, **changed, available=available)


def _touched(time: Maintenance, horizon: Horizon) -> NDArray[np.bool_]:
    """Return the (T,) periods of which some part lies within a time."""
    bounds = horizon.hours_since_start
    start, end = _hours(time.start, horizon), _hours(time.end, horizon)
    touched: NDArray[np.bool_] = (bounds[:-1] < end) & (bounds[1:] > start)
    return touched


def _start(start: StartState, conditions: Conditions) -> StartState:
    machines = conditions.machines
    return replace(
        start,
        on={name: state.on for name, state in machines.items()},
        hours_in_state={
            name: state.hours for name, state in machines.items() if state.hours is not None
        },
        flow=dict(conditions.flow),
    )


def _trade(trade: Trade, steps: TradeSteps | None, horizon: Horizon) -> Trade:
    if steps is None:
        return trade
    parts = {part.name: getattr(steps, part.name) for part in fields(trade)}
    stated = {name: part for name, part in parts.items() if part is not None}
    return replace(
        trade,
        **{
            name: _reading_of(name)(part, horizon, float(getattr(trade, name)[0]))
            for name, part in stated.items()
        },
    )


def _reading_of(part: str) -> _Reading:
    return lowest if part.endswith("_max") else means


def _reserves(steps: Mapping[Identifier, Steps], horizon: Horizon) -> dict[Identifier, Series]:
    return {name: highest(part, horizon, 0.0) for name, part in steps.items()}


def _read(
    steps: Mapping[Identifier, Steps],
    stated: Mapping[Identifier, Series],
    reading: _Reading,
    horizon: Horizon,
) -> dict[Identifier, Series]:
    """Return series by element, those that have steps read anew over what was stated for good."""
    read = {name: reading(part, horizon, float(stated[name][0])) for name, part in steps.items()}
    return {**stated, **read}
