"""The best schedule that exact physics knows of: units on or off, heads as the water makes them.

A linear model that may mix the modes of a plant gives a first trajectory and the worth of water.
Then, over narrower and narrower ranges of volume, each plant in turn takes its best course by
dynamic programming, and a linear model around the result shares the water out between periods and
machines. At the end single switches of mode are tried. Every step is judged by the simulator,
which alone says what a schedule is worth, and the best schedule met is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.highs import SearchLimits
from hydrobid.hydro.plant_model import IMPOSSIBLE, PlantModel, Positions
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.schedule import Schedule, SolveFailure, Step
from hydrobid.hydro.search import Evaluated, Plan, Search
from hydrobid.hydro.solve import ScenarioSolver
from hydrobid.hydro.successive import mixed_start, relinearised

Array = NDArray[np.float64]

# Shares of a reservoir's volume by which the courses of a sweep may leave the present one.
SPANS = (0.3, 0.3, 0.1, 0.1, 0.03, 0.03)
# Linear models in a row after a sweep and at the end, as long as each betters its schedule by the
# share of its worth that is said.
RELINEARISATIONS = 2
LAST_RELINEARISATIONS = 20
WORTH_ANOTHER = 1e-7
# Switches to another mode for a number of periods that are tried at a time, the most promising first, and how often.
SWITCHES = 8
STRETCHES = (1, 2, 3, 4, 6)
SWITCH_ROUNDS = 6
# A search over whole choices, where courses alone break limits: near enough to start from.
WHOLE_LIMITS = SearchLimits(gap=1e-3, nodes=500)


@dataclass(eq=False)
class HeadSearch:
    """A search and what it has come to. best: the best plan met. worth: (R, T) of a Mm3."""

    search: Search
    best: Evaluated
    worth: Array
    steps: list[Step] = field(default_factory=list)

    def note(self, stage: str, iteration: int) -> None:
        """Write down what the best schedule is worth now."""
        self.steps.append(Step(stage, iteration, round(self.best.total, 4)))

    def keep(self, tried: Evaluated) -> bool:
        """Keep a plan if it is the best so far."""
        better = tried.total > self.best.total
        if better:
            self.best = tried
        return better


def searched(problem: Problem, prices: Series) -> HeadSearch | SolveFailure:
    """Return the search of a problem at (T,) prices, done; or why it could not begin."""
    search = Search(problem, prices)
    start = mixed_start(search)
    if isinstance(start, SolveFailure):
        return start
    plan, worth = start
    state = HeadSearch(search, search.evaluate(plan), worth)
    state.note("start", 0)
    _sweeps(state)
    _shared_out(state, LAST_RELINEARISATIONS)
    state.note("relinearised", 0)
    _switched(state)
    if search.limiter.violations(state.best.outcome):
        _from_whole_choices(state)
    return state


def _sweeps(state: HeadSearch) -> None:
    at, worth = state.best, state.worth
    for count, span in enumerate(SPANS, start=1):
        at = state.search.sweep(at, worth.copy(), span)
        state.keep(at)
        for _ in range(RELINEARISATIONS):
            found = relinearised(state.search, at)
            if found is None:
                break
            at, worth = found
        if state.keep(at):
            state.worth = worth
        state.note("courses", count)


def _shared_out(state: HeadSearch, rounds: int) -> None:
    """Relinearise around the best plan for as long as it helps."""
    for _ in range(rounds):
        found = relinearised(state.search, state.best)
        if found is None:
            return
        before = state.best.total
        tried, state.worth = found
        state.keep(tried)
        if state.best.total - before <= WORTH_ANOTHER * abs(before):
            return


def _switched(state: HeadSearch) -> None:
    """Try single switches of mode, each with the water shared out anew, until none helps."""
    for count in range(1, SWITCH_ROUNDS + 1):
        if not any(_better(state, plan) for plan in list(_switches(state))):
            return
        _shared_out(state, LAST_RELINEARISATIONS)
        state.note("switches", count)


def _better(state: HeadSearch, plan: Plan) -> bool:
    tried = state.search.evaluate(plan)
    found = relinearised(state.search, tried)
    return state.keep(tried if found is None else found[0])


def _switches(state: HeadSearch) -> Iterator[Plan]:
    """Yield plans in which a plant's mode is another for a while, the most promising first.

    How promising one is, is what it earns at the present heads less the worth of the water that
    it takes and the starts and stops that it makes.
    """
    plan, found = state.best.plan, []
    for name, model in state.search.models.items():
        value, flow = _values(state, model)
        for length in STRETCHES:
            gain = _gains(model, value, plan.mode[name], length)
            found += [
                (gain[at], name, at[0], length, at[1], flow)
                for at in map(tuple, np.argwhere(np.isfinite(gain)).tolist())
            ]
    found.sort(key=lambda one: (-one[0], *one[1:5]))
    for _, name, period, length, mode, flow in found[:SWITCHES]:
        stretch = slice(period, period + length)
        modes, flows = plan.mode[name].copy(), plan.flow[name].copy()
        modes[stretch], flows[stretch] = mode, flow[stretch, mode]
        yield replace(plan, mode={**plan.mode, name: modes}, flow={**plan.flow, name: flows})


def _values(state: HeadSearch, model: PlantModel) -> tuple[Array, Array]:
    """Return (T, M) what each mode earns less the worth of its water, and its best flow."""
    search, best = state.search, state.best
    hours = search.problem.horizon.hours
    price = search.water_price(model, state.worth, best) * WATER_OF_FLOW * hours
    flows, power = model.choices(best.outcome.head[model.plant.name])
    earned = (search.prices * hours)[:, None, None] * power
    earned -= price[:, None, None] * flows * model.sign[:, None]
    earned = np.where(model.allowed[..., None] & (power > IMPOSSIBLE), earned, -np.inf)
    row = np.argmax(earned, axis=2)[..., None]
    value = np.take_along_axis(earned, row, axis=2)[..., 0]
    return value, np.take_along_axis(flows, row, axis=2)[..., 0]


def _gains(model: PlantModel, value: Array, chosen: Positions, length: int) -> Array:
    """Return (T - length + 1, M) the gain of running in a mode for a while from each period on.

    It is -inf where that is not allowed, or changes the mode in no period.
    """
    periods, switching = chosen.size, model.switching
    cannot = ~np.isfinite(value)
    value = np.where(cannot, 0.0, value)
    present = value[np.arange(periods), chosen]
    gain = _over_stretches(value - present[:, None], length)
    first = np.arange(periods - length + 1)
    # Switches of the present plan into, within and out of the stretch, against two of the new one.
    costs = np.append(0.0, np.append(switching[chosen[:-1], chosen[1:]], 0.0))
    summed = np.cumsum(np.append(0.0, costs))
    gain += (summed[first + length + 1] - summed[first])[:, None]
    gain[1:] -= switching[chosen[first[1:] - 1]]
    gain[:-1] -= switching[:, chosen[first[:-1] + length]].T
    modes = np.arange(value.shape[1])
    unchanged = np.all(chosen[first[:, None] + np.arange(length)][..., None] == modes, axis=1)
    return np.where(unchanged | (_over_stretches(cannot, length) > 0), -np.inf, gain)


def _over_stretches(values: NDArray[np.generic], length: int) -> Array:
    """Return (T - length + 1, M) sums of (T, M) values over as many periods from each on."""
    summed = np.cumsum(np.vstack([np.zeros(values.shape[1]), values]), axis=0)
    sums: Array = summed[length:] - summed[:-length]
    return sums


def _from_whole_choices(state: HeadSearch) -> None:
    """Try what a search over whole choices finds, which knows limits that courses do not.

    Times on and off, ramping and reserves bind machines across periods and plants.
    """
    search = state.search
    schedule = ScenarioSolver(search.problem, commitment=True, limits=WHOLE_LIMITS).solve(
        search.prices
    )
    if isinstance(schedule, Schedule):
        tried = search.evaluate(search.plan_of(schedule))
        if state.keep(tried):
            _shared_out(state, LAST_RELINEARISATIONS)
        else:
            found = relinearised(search, tried)
            if found is not None and state.keep(found[0]):
                _shared_out(state, LAST_RELINEARISATIONS)
        state.note("whole choices", 0)
