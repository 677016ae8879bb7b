"""The linear model of a problem, written straight into sparse arrays.

Columns: what is chosen of each stream, the volume of each reservoir at the end of each period, and
what some limits need besides. Rows: the water balance of each reservoir in each period (Mm3),

    volume - volume before + what leaves - what arrives = inflow + what was under way,

the start volume being part of the first period's right-hand side, and the limits. Costs are
minimised: less what is sold at the scenario's prices and what the water left at the end is worth,
plus penalties and start costs. Each equation is in docs/optimiser.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import Reservoir
from hydrobid.hydro.commitment import add_commitment
from hydrobid.hydro.curves import Production
from hydrobid.hydro.draft import Draft
from hydrobid.hydro.limits import add_limits
from hydrobid.hydro.market import add_market
from hydrobid.hydro.model import HydroModel
from hydrobid.hydro.penalties import PenaltyPrices, penalty_prices
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.reserves import add_reserves
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.sparse import ModelBuilder, Positions
from hydrobid.hydro.streams import StreamKind, Streams

Array = NDArray[np.float64]

# Currency per MWh by which prices are shaded so that of equally good schedules one is the best:
# a thousandth of the finest price tick in use.
TIE_BREAK_PRICE = 1e-5
# Steps of this length around a circle never meet: no two columns are shaded alike.
GOLDEN_RATIO = (5**0.5 - 1) / 2


def formulate(problem: Problem, production: Production, *, one_way: bool = False) -> HydroModel:
    """Return the model of a problem; only costs and inflows differ between scenarios.

    one_way: a plant that pumps does not generate at the same time.
    """
    streams, builder = Streams.of(problem, production), ModelBuilder()
    penalties = penalty_prices(problem, production)
    stream = _stream_columns(builder, problem, streams, penalties)
    volume = _volume_columns(builder, problem)
    draft = Draft(problem, production, streams, penalties, builder, stream, volume)
    balance = _balances(draft)
    priced, power_balance = add_market(draft)
    _end_worth(draft)
    add_limits(draft, one_way=one_way)
    add_commitment(draft)
    add_reserves(draft)
    sparse = builder.build()
    return HydroModel(
        problem=problem,
        production=production,
        streams=streams,
        sparse=sparse,
        stream=stream,
        volume=volume,
        balance=balance,
        power_balance=power_balance,
        basic=np.concatenate(draft.basic),
        nonbasic=np.concatenate(draft.nonbasic),
        plain=sparse.height == balance.size,
        constant=_cost_of_minima(problem, production, penalties),
        priced=priced,
        shortfalls=tuple(draft.shortfalls),
    )


def _stream_columns(
    builder: ModelBuilder, problem: Problem, streams: Streams, penalties: PenaltyPrices
) -> Positions:
    """Append the streams. A spill costs, and what a minimum asks for is rewarded, by the hour."""
    costs = _tie_break(problem, streams)
    for position, stream in enumerate(streams.each):
        if stream.kind is StreamKind.EMERGENCY_SPILL:
            costs[position] += penalties.flow * problem.horizon.hours
        elif stream.asked:
            costs[position] -= penalties.flow * problem.horizon.hours
    columns = [
        builder.columns(len(problem), cost=cost, upper=stream.upper, integer=stream.whole)
        for stream, cost in zip(streams.each, costs, strict=True)
    ]
    return np.array(columns)


def _cost_of_minima(problem: Problem, production: Production, penalties: PenaltyPrices) -> float:
    """Return what it would cost to miss every minimum that streams are rewarded for."""
    limits, plants = problem.limits, problem.watercourse.plants
    asked = [
        *(limits.discharge_min[plant.name] for plant in plants if plant.name in production),
        *limits.gate_flow_min.values(),
    ]
    return penalties.flow * sum(float(least @ problem.horizon.hours) for least in asked)


def _tie_break(problem: Problem, streams: Streams) -> Array:
    """Return (S, T) costs that make equally good schedules differ.

    Water that may as well flow later flows early, save what is spilled: a spill waits until
    nothing else avails. The cost of a stream rises or falls over the horizon by a step that is a
    little different for every column.
    """
    shape, hours = streams.power.shape, problem.horizon.hours
    scatter = (np.arange(1, streams.power.size + 1) * GOLDEN_RATIO % 1.0).reshape(shape)
    rank = (np.arange(shape[1]) + scatter / 2) / shape[1]
    power = np.abs(streams.steepest).max(axis=1)
    spilled = np.array([s.kind in _SPILLS and not s.asked for s in streams.each])
    weight = 1.0 + np.where(spilled[:, None], 1.0 - rank, rank)
    # What makes no power is shaded like what makes the most: turbines before gates.
    scale = np.where(power > 0, power, max(float(np.max(power)), 1.0))
    costs: Array = TIE_BREAK_PRICE * hours * scale[:, None] * weight
    return costs


_SPILLS = (StreamKind.GATE, StreamKind.OVERFLOW, StreamKind.EMERGENCY_SPILL)


def _volume_columns(builder: ModelBuilder, problem: Problem) -> Positions:
    """Append the volumes within limits that no input can make impossible to keep.

    A limit that changes over time may be: `limits` lets it be missed. Above the crest of a
    described overflow no water stays.
    """
    columns = []
    for start, reservoir in zip(problem.start.volume, problem.watercourse.reservoirs, strict=True):
        lower, upper = min(reservoir.volume_min, start), reservoir.volume_max
        if reservoir.overflow is not None:
            upper = min(upper, _crest(reservoir))
        columns.append(builder.columns(len(problem), lower=lower, upper=max(upper, start)))
    return np.array(columns)


def _crest(reservoir: Reservoir) -> float:
    """Return the volume in Mm3 at which a described overflow begins."""
    first = reservoir.overflow.spill.x[0] if reservoir.overflow else np.inf
    return float(np.interp(first, reservoir.level.y, reservoir.level.x))


def _balances(draft: Draft) -> Positions:
    """Add the water balances; their volumes follow from the flows and start in the basis."""
    problem, builder, periods = draft.problem, draft.builder, np.arange(len(draft.problem))
    rows = []
    for at, reservoir in enumerate(problem.watercourse.reservoirs):
        arriving = natural_water(problem, at)
        balance = draft.rows(
            periods, f"water balance of {reservoir.name}", lower=arriving, upper=arriving
        )
        builder.add(balance, draft.volume[at], 1.0)
        builder.add(balance[1:], draft.volume[at, :-1], -1.0)
        rows.append(balance)
    for position, stream in enumerate(draft.streams.each):
        leaving = draft.streams.flow[position] * draft.water
        builder.add(rows[stream.route.source], draft.stream[position], leaving)
        if stream.route.target is not None:
            target, shares = rows[stream.route.target], stream.route.shares
            if shares is None:
                builder.add(target, draft.stream[position], -leaving)
            else:
                left, came = np.nonzero(shares)
                values = -leaving[left] * shares[left, came]
                builder.add(target[came], draft.stream[position, left], values)
    draft.basic.append(draft.volume.ravel())
    draft.nonbasic.append(np.concatenate(rows))
    return np.array(rows)


def natural_water(problem: Problem, position: int, inflow: Array | None = None) -> Array:
    """Return the (T,) Mm3 that come to a reservoir by themselves, the first with what is there.

    inflow: (T,) m3/s in place of the problem's.
    """
    name = problem.watercourse.reservoirs[position].name
    flow = problem.inflow[name] if inflow is None else inflow
    under_way = problem.start.under_way.get(name, np.zeros(len(problem)))
    water: Array = (flow + under_way) * WATER_OF_FLOW * problem.horizon.hours
    water[0] += problem.start.volume[position]
    return water


def _end_worth(draft: Draft) -> None:
    """Value what is left at the end, in reservoirs and under way to one."""
    end, builder = draft.problem.end, draft.builder
    under_way = draft.streams.under_way(draft.problem.horizon)
    if not end.has_cuts and all(values.size == 1 for values in end.values):
        # One value a reservoir is a cost of the columns themselves and needs no equation.
        worth = np.array([float(values[0]) for values in end.values])
        builder.add_cost(draft.volume[:, -1], -worth)
        for position, stream in enumerate(draft.streams.each):
            if stream.route.target is not None:
                arriving = worth[stream.route.target] * under_way[position]
                builder.add_cost(draft.stream[position], -arriving)
        return
    left = _left_water(draft, under_way)
    if end.has_cuts:
        worth_of_all = builder.columns(1, cost=-1.0, lower=-np.inf)
        cuts = builder.rows(end.constants.size, "cut on the end value", upper=end.constants)
        builder.add(cuts, np.repeat(worth_of_all, cuts.size), 1.0)
        for cut, slopes in zip(cuts, end.slopes, strict=True):
            builder.add(np.repeat(cut, left.size), left, -slopes)
        draft.basic.append(worth_of_all)
        draft.nonbasic.append(cuts[:1])
        return
    for column, widths, values in zip(left, end.widths, end.values, strict=True):
        parts = builder.columns(values.size, cost=-values, upper=widths)
        row = builder.rows(1, "segments of the end volume", lower=0.0, upper=0.0)
        builder.add(row, column.reshape(1), -1.0)
        builder.add(np.repeat(row, parts.size), parts, 1.0)
        draft.basic.append(parts[-1:])
        draft.nonbasic.append(row)


def _left_water(draft: Draft, under_way: Array) -> Positions:
    """Add (R,) columns of what is left at the end, Mm3."""
    builder, reservoirs = draft.builder, draft.volume.shape[0]
    left = builder.columns(reservoirs, lower=-np.inf)
    rows = builder.rows(reservoirs, "water left at the end", lower=0.0, upper=0.0)
    builder.add(rows, left, 1.0)
    builder.add(rows, draft.volume[:, -1], -1.0)
    for position, stream in enumerate(draft.streams.each):
        if stream.route.target is not None:
            row = np.repeat(rows[stream.route.target], len(draft.problem))
            builder.add(row, draft.stream[position], -under_way[position])
    draft.basic.append(left)
    draft.nonbasic.append(rows)
    return left
