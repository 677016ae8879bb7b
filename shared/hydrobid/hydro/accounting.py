"""From a solver's flows to a schedule: rounded first, everything else computed from the rounded.

Volumes follow from the flows by the water balance, power by the plants' production curves, money
by both. What the solver thought of them is not used, so its tolerances never reach a bid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, WATER_DECIMALS, rounded
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Gate, Plant, Pump, Reservoir
from hydrobid.hydro.network import Network, StreamKind
from hydrobid.hydro.schedule import (
    Objective,
    Schedule,
    Series,
    Termination,
    Violation,
    ViolationCode,
)

# A cubic centimetre a second: above the solver's noise, below what any gauge shows.
FLOW_DECIMALS = 6
# m3/s below which a missing or spilled flow is rounding, not a violation.
FLOW_TOLERANCE = 1e-5


def account(
    network: Network,
    flows: NDArray[np.float64],
    prices: NDArray[np.float64],
    termination: Termination,
    iterations: int,
) -> Schedule:
    """Return the schedule of (S, T) stream flows in m3/s at (T,) prices."""
    flows = _rounded(np.maximum(flows, 0.0), FLOW_DECIMALS)
    watercourse = network.watercourse
    plants, gates, reservoirs = watercourse.plants, watercourse.gates, watercourse.reservoirs
    pumps = [pump for plant in plants for pump in plant.pumps]
    discharge = _by_element(network, flows, StreamKind.DISCHARGE, plants)
    pumping = _by_element(network, flows, StreamKind.PUMPING, pumps)
    gate_flow = _by_element(network, flows, StreamKind.GATE, gates)
    spills = _by_element(network, flows, StreamKind.EMERGENCY_SPILL, reservoirs)
    spill = {name: flow for name, flow in spills.items() if np.any(flow > FLOW_TOLERANCE)}
    plant_power = _plant_power(network, discharge, pumping)
    net_power = _rounded(np.sum(list(plant_power.values()), axis=0), POWER_DECIMALS)
    volumes, under_way = _water(network, flows)
    violations = _violations(network, discharge, gate_flow, spill)
    sales = float(prices @ net_power) * network.grid.hours
    return Schedule(
        net_power=net_power,
        plant_power=plant_power,
        discharge=discharge,
        pumping=pumping,
        gate_flow=gate_flow,
        spill=spill,
        volume={r.name: volume for r, volume in zip(reservoirs, volumes, strict=True)},
        objective=_objective(network, sales, volumes[:, -1] + under_way, violations),
        violations=violations,
        termination=termination,
        iterations=iterations,
    )


def _objective(
    network: Network,
    sales: float,
    water: NDArray[np.float64],
    violations: Sequence[Violation],
) -> Objective:
    """Return the parts and their sum; water: (R,) Mm3 that is left for each reservoir."""
    water_values = [reservoir.water_value for reservoir in network.watercourse.reservoirs]
    end_value = float(np.dot(water_values, water))
    penalties = sum(violation.penalty for violation in violations)
    return Objective(
        sales=rounded(sales, MONEY_DECIMALS),
        end_value=rounded(end_value, MONEY_DECIMALS),
        penalties=rounded(penalties, MONEY_DECIMALS),
        total=rounded(sales + end_value - penalties, MONEY_DECIMALS),
    )


def _by_element(
    network: Network,
    flows: NDArray[np.float64],
    kind: StreamKind,
    elements: Sequence[Plant | Pump | Gate | Reservoir],
) -> dict[Identifier, Series]:
    """Return the (T,) flow of each element, zero where no stream serves it."""
    totals = {element.name: np.zeros(len(network.grid)) for element in elements}
    for stream, flow in zip(network.streams, flows, strict=True):
        if stream.kind is kind:
            totals[stream.element] += flow
    return {name: _rounded(flow, FLOW_DECIMALS) for name, flow in totals.items()}


def _plant_power(
    network: Network, discharge: Mapping[Identifier, Series], pumping: Mapping[Identifier, Series]
) -> dict[Identifier, Series]:
    powers = {}
    for plant in network.watercourse.plants:
        power = network.production[plant.name].power(discharge[plant.name])
        for pump in plant.pumps:
            power = power - network.pump_rates.get(pump.name, 0.0) * pumping[pump.name]
        powers[plant.name] = _rounded(power, POWER_DECIMALS)
    return powers


def _water(
    network: Network, flows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (R, T + 1) volumes and the (R,) water under way to each reservoir at the end, Mm3."""
    reservoirs = network.watercourse.reservoirs
    mtus = len(network.grid)
    net_inflow = np.outer([reservoir.inflow for reservoir in reservoirs], np.ones(mtus))
    under_way = np.zeros(len(reservoirs))
    for stream, flow in zip(network.streams, flows, strict=True):
        net_inflow[stream.route.source] -= flow
        if stream.route.target is not None:
            for later, share in stream.route.shares():
                arriving = max(mtus - later, 0)
                net_inflow[stream.route.target, mtus - arriving :] += share * flow[:arriving]
                under_way[stream.route.target] += share * float(np.sum(flow[arriving:]))
    start = np.array([[reservoir.start_volume] for reservoir in reservoirs])
    changes = np.cumsum(net_inflow * network.water_of_flow, axis=1)
    volumes = np.hstack([start, start + changes])
    return (
        _rounded(volumes, WATER_DECIMALS),
        _rounded(under_way * network.water_of_flow, WATER_DECIMALS),
    )


def _violations(
    network: Network,
    discharge: Mapping[Identifier, Series],
    gate_flow: Mapping[Identifier, Series],
    spill: Mapping[Identifier, Series],
) -> tuple[Violation, ...]:
    plants, gates = network.watercourse.plants, network.watercourse.gates
    spilled = [(ViolationCode.EMERGENCY_SPILL, name, flow) for name, flow in spill.items()]
    undischarged = [
        (ViolationCode.DISCHARGE_BELOW_MINIMUM, p.name, p.discharge_min - discharge[p.name])
        for p in plants
    ]
    unreleased = [
        (ViolationCode.GATE_FLOW_BELOW_MINIMUM, g.name, g.flow_min - gate_flow[g.name])
        for g in gates
    ]
    excesses = [*spilled, *undischarged, *unreleased]
    found = (_violation(network, code, name, excess) for code, name, excess in excesses)
    return tuple(violation for violation in found if violation is not None)


def _violation(
    network: Network, code: ViolationCode, element: Identifier, excess: Series
) -> Violation | None:
    """Return the violation of a flow (T,) in m3/s too much or missing; None where there is none."""
    mtus = np.flatnonzero(excess > FLOW_TOLERANCE)
    if not mtus.size:
        return None
    flow = float(np.sum(excess[mtus]))
    return Violation(
        code,
        element,
        tuple(mtus.tolist()),
        water=rounded(flow * network.water_of_flow, WATER_DECIMALS),
        penalty=rounded(flow * network.grid.hours * network.penalty, MONEY_DECIMALS),
    )


def _rounded(values: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    """Return values as `canonical.rounded` gives them one by one: adding zero drops its sign."""
    result: NDArray[np.float64] = np.round(values, decimals) + 0.0
    return result
