"""Linear programs around a trajectory: production as it is there, head at what it is worth there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.curves import Production, ProductionCurve
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.highs import LinearSolver
from hydrobid.hydro.linearisation import head_worth, mixed_modes, running_machines
from hydrobid.hydro.plant_model import IMPOSSIBLE, PlantModel
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.hydro.search import Evaluated, Plan, Search
from hydrobid.hydro.streams import StreamKind

Array = NDArray[np.float64]

# Rounds in which the heads of the first, mixed model come to agree with its volumes, and the part
# of the way that volumes go in each: whole ways would swing between a full and an empty reservoir.
ROUNDS = 4
DAMPING = 0.5
# Parts of the way to a linear model's optimum that are tried.
STEPS = (1.0, 0.5, 0.25)
# Share of a reservoir's volume over which the slope of its level is taken.
LEVEL_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Point:
    """A linear model's optimum.

    flow, power: (T,) m3/s and MW by plant, unit or pump, as the production was stated. gate_flow:
    (T,) m3/s. volume: (R, T) Mm3 at the end of each period. worth: (R, T) currency of a Mm3 there.
    """

    flow: Mapping[Identifier, Array]
    power: Mapping[Identifier, Array]
    gate_flow: Mapping[Identifier, Array]
    volume: Array
    worth: Array


def mixed_start(search: Search) -> tuple[Plan, Array] | SolveFailure:
    """Return a plan near the best of a model that may mix modes, and the (R, T) worth of water."""
    problem = search.problem
    volume = np.tile(problem.start.volume[:, None], len(problem) + 1)
    worth = np.zeros(volume[:, 1:].shape)
    point = None
    for _ in range(ROUNDS):
        production: dict[Identifier, ProductionCurve] = {}
        for model in search.models.values():
            production |= mixed_modes(model, search.simulator.head(model.plant, volume[:, :-1]))
        found = _solved(search, production, worth)
        if isinstance(found, SolveFailure):
            return found
        after = np.column_stack([volume[:, 0], found.volume])
        volume = after if point is None else volume + DAMPING * (after - volume)
        point = found
        worth = np.zeros_like(worth)
        for model in search.models.values():
            head = search.simulator.head(model.plant, volume[:, :-1])
            power = sum(point.power[name] for name in _names(model) if name in point.power)
            # Of a mixture no machine's efficiency is known: its power is taken to follow the head.
            per_metre = search.prices * power / np.maximum(head, 1.0)
            worth += _worth_of_levels(search, model, per_metre, volume)
    if point is None:
        raise AssertionError("ROUNDS of at least one")
    return _plan(search, point, volume), point.worth


def relinearised(search: Search, at: Evaluated) -> tuple[Evaluated, Array] | None:
    """Return the best operation on the way to the optimum of the model around `at`, with the worth.

    Which machines run stays. None where the model has no optimum.
    """
    flow, on = at.outcome.operation.flow, at.outcome.operation.on
    production: dict[Identifier, ProductionCurve] = {}
    worth = np.zeros(at.outcome.water.volume[:, 1:].shape)
    for name, model in search.models.items():
        head, plant = at.outcome.head[name], model.plant
        own = {machine.name: flow[machine.name] for machine in plant.machines}
        states = {machine.name: on[machine.name] for machine in plant.machines}
        mode = at.plan.mode[name]
        production |= running_machines(plant, search.dispatch[name], mode, own, states, head)
        per_metre = head_worth(plant, own, head, search.prices)
        worth += _worth_of_levels(search, model, per_metre, at.outcome.water.volume)
    point = _solved(search, production, worth)
    if isinstance(point, SolveFailure):
        return None
    best = at
    for step in STEPS:
        shares = {name: flow[name] + step * (point.flow[name] - flow[name]) for name in flow}
        gates = at.plan.gate_flow
        gate_flow = {g: gates[g] + step * (point.gate_flow[g] - gates[g]) for g in gates}
        tried = search.evaluate(replace(at.plan, gate_flow=gate_flow), shares)
        if tried.total > best.total:
            best = tried
            break
    return best, point.worth


def _solved(search: Search, production: Production, worth: Array) -> Point | SolveFailure:
    """Return the optimum of the linear model with what volumes are worth on top of all else."""
    model = formulate(search.problem, production)
    solver = LinearSolver(model.sparse, model.basic, model.nonbasic)
    for columns, stream in zip(model.stream, model.streams.each, strict=True):
        if stream.whole:  # what runs is settled: it runs at its least flow at least
            solver.change_columns(columns, stream.upper, stream.upper)
    # Levels at the end of a period make the heads of the next; after the last there is none.
    hours = search.problem.horizon.hours
    shifted = np.zeros_like(worth)
    shifted[:, :-1] = worth[:, 1:] * hours[1:]
    solution = solver.solve(model.costs(search.prices, shifted))
    if isinstance(solution, SolveFailure):
        return solution
    choices, streams = model.choices(solution.columns), model.streams
    flow = {name: np.zeros(hours.size) for name in production}
    power = {name: np.zeros(hours.size) for name in production}
    gate_flow = {gate.name: np.zeros(hours.size) for gate in search.problem.watercourse.gates}
    for at, stream in enumerate(streams.each):
        if stream.machine is not None:
            flow[stream.machine] += choices[at] * streams.flow[at]
            power[stream.machine] += choices[at] * streams.power[at]
        elif stream.kind is StreamKind.GATE:
            gate_flow[stream.element] += choices[at]
    return Point(
        flow=flow,
        power=power,
        gate_flow={
            name: np.maximum(np.round(values, 6), 0.0) for name, values in gate_flow.items()
        },
        volume=solution.columns[model.volume],
        worth=-solution.row_duals[model.balance],
    )


def _worth_of_levels(search: Search, model: PlantModel, per_metre: Array, volume: Array) -> Array:
    """Return (R, T) currency per hour of a Mm3 at the start of each period, as a plant's head.

    per_metre: (T,) currency per hour and m of gross head. volume: (R, T + 1).
    """
    worth = np.zeros(volume[:, 1:].shape)
    reservoirs = search.problem.watercourse.reservoirs
    for position in (model.upper, model.lower):
        if position is not None:
            step = LEVEL_STEP * reservoirs[position].volume_max
            above, below = volume[:, :-1].copy(), volume[:, :-1].copy()
            above[position] += step
            below[position] -= step
            rise = search.simulator.head(model.plant, above)
            rise = rise - search.simulator.head(model.plant, below)
            worth[position] += per_metre * rise / (2 * step)
    return worth


def _plan(search: Search, point: Point, volume: Array) -> Plan:
    """Return the modes that come nearest to a mixture's flows at (R, T + 1) volumes."""
    modes, flows = {}, {}
    for name, model in search.models.items():
        head = search.simulator.head(model.plant, volume[:, :-1])
        up, *pumps = _names(model)
        wanted = point.flow[up] - sum(point.flow[pump] for pump in pumps if pump in point.flow)
        least, most = model.limits(head)
        signed = np.clip(wanted[:, None] * model.sign, least, most) * model.sign
        off_by = np.abs(signed - wanted[:, None])
        off_by[:, 0] = np.abs(wanted)
        numbers = np.broadcast_to(np.arange(len(model.modes)), signed.shape)
        heads = np.broadcast_to(head[:, None], signed.shape)
        power = model.powers(numbers, np.abs(signed), heads)
        off_by[~model.allowed | (power < IMPOSSIBLE)] = np.inf
        # Of modes that come equally near, the one that makes most of the water.
        near = off_by <= off_by.min(axis=1, keepdims=True) + 1e-6
        mode = np.argmax(np.where(near, power, -np.inf), axis=1)
        modes[name] = mode
        flows[name] = np.where(mode == 0, 0.0, np.abs(signed[np.arange(mode.size), mode]))
    return Plan(modes, flows, point.gate_flow)


def _names(model: PlantModel) -> list[Identifier]:
    """Return the names under which a plant's flows down and up are modelled."""
    return [model.plant.name, *[pump.name for pump in model.plant.pumps[:1]]]
