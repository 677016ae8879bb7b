"""Routes that state the model in a modelling tool, anew for each scenario."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from solver_routes.case import MTUS, Case


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the tools say of themselves off the output, also what HiGHS writes by itself."""
    logging.disable(logging.CRITICAL)
    sys.stdout.flush()
    output, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        os.dup2(output, 1)
        os.close(output)
        os.close(nowhere)
        logging.disable(logging.NOTSET)


def pulp(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """PuLP with HiGHS."""
    import pulp as lp

    streams, reservoirs = range(len(case.source)), range(len(case.natural))
    for values in prices:
        flow_costs, volume_costs = case.costs(values)
        problem = lp.LpProblem("cascade", lp.LpMinimize)
        flow = [
            [lp.LpVariable(f"q_{s}_{t}", 0, _finite(case.upper[s, t])) for t in range(MTUS)]
            for s in streams
        ]
        volume = [
            [lp.LpVariable(f"v_{r}_{t}", 0, case.volume_max) for t in range(MTUS)]
            for r in reservoirs
        ]
        problem += lp.lpSum(
            [flow_costs[s, t] * flow[s][t] for s in streams for t in range(MTUS)]
            + [volume_costs[r, MTUS - 1] * volume[r][MTUS - 1] for r in reservoirs]
        )
        for r in reservoirs:
            for t in range(MTUS):
                leaving = [case.water * flow[s][t] for s in streams if case.source[s] == r]
                coming = [-case.water * flow[s][t] for s in streams if case.target[s] == r]
                before = [-1 * volume[r][t - 1]] if t else []
                terms = [volume[r][t], *before, *leaving, *coming]
                problem += lp.lpSum(terms) == case.natural[r, t]
        problem.solve(lp.HiGHS(msg=False, threads=1))
        yield -lp.value(problem.objective)


def pyomo_rebuilt(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """Pyomo with HiGHS through its APPSI interface, a new model each."""
    for values in prices:
        model = _pyomo_model(case, *case.costs(values))
        yield -_appsi().solve(model).best_feasible_objective


def pyomo_persistent(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """Pyomo with one model kept, costs as mutable parameters and HiGHS kept warm."""
    flow_costs, volume_costs = case.costs(prices[0])
    model, solver = _pyomo_model(case, flow_costs, volume_costs), _appsi()
    for values in prices:
        flow_costs, _ = case.costs(values)
        for key, cost in np.ndenumerate(flow_costs):
            model.cost[key] = cost
        yield -solver.solve(model).best_feasible_objective


def linopy(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """Linopy with HiGHS, a new model each."""
    import linopy as lp
    import xarray as xr

    time = {"t": np.arange(MTUS)}
    names = {"s": np.arange(len(case.source)), **time}
    stores = {"r": np.arange(len(case.natural)), **time}
    leaving = np.array([[s == r for s in case.source] for r in stores["r"]], dtype=float)
    coming = np.array([[s == r for s in case.target] for r in stores["r"]], dtype=float)
    moves = xr.DataArray(case.water * (leaving - coming), {"r": stores["r"], "s": names["s"]})
    for values in prices:
        flow_costs, volume_costs = case.costs(values)
        model = lp.Model()
        flow = model.add_variables(0, xr.DataArray(case.upper, names), name="flow")
        volume = model.add_variables(
            0, xr.DataArray(np.full(case.natural.shape, case.volume_max), stores), name="volume"
        )
        left = (flow * moves).sum("s")
        natural = xr.DataArray(case.natural, stores)
        first, later = {"t": [0]}, {"t": np.arange(1, MTUS)}
        model.add_constraints((volume + left).isel(first) == natural.isel(first))
        before = volume.isel({"t": np.arange(MTUS - 1)}).assign_coords(later)
        now = (volume + left).isel(later)
        model.add_constraints(now - before == natural.isel(later))
        worth = (volume * xr.DataArray(volume_costs, stores)).sum()
        model.add_objective((flow * xr.DataArray(flow_costs, names)).sum() + worth)
        model.solve("highs", io_api="direct", output_flag=False, threads=1)
        yield -model.objective.value


def pypsa(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """PyPSA: water as a carrier, streams as links, reservoirs as stores, end values as a sink."""
    for values in prices:
        network = _pypsa_network(case, *case.costs(values))
        network.optimize(solver_name="highs", solver_options={"output_flag": False, "threads": 1})
        yield -network.objective


def _pypsa_network(case: Case, flow_costs: np.ndarray, volume_costs: np.ndarray):
    """Water is counted in m3/s and MTUs. Links cost what our streams do, power included."""
    import pandas as pd
    import pypsa as psa

    network = psa.Network()
    network.set_snapshots(pd.RangeIndex(MTUS))
    reservoirs, streams = range(len(case.natural)), range(len(case.source))
    network.add("Bus", [*(f"R{r}" for r in reservoirs), "sea"])
    # What a store holds at the end it sells to a sink at its worth.
    last = np.zeros(MTUS)
    last[-1] = 1.0
    most = case.volume_max / case.water
    for r in reservoirs:
        inflow = case.natural[r] / case.water
        start = case.natural[r, 0] - case.natural[r, 1]
        inflow[0] -= start / case.water
        network.add("Load", f"inflow {r}", bus=f"R{r}", p_set=-inflow)
        network.add(
            "Store",
            f"store {r}",
            bus=f"R{r}",
            e_nom=most,
            e_initial=start / case.water,
            e_max_pu=1.0 - last,
        )
        network.add(
            "Generator",
            f"worth {r}",
            bus=f"R{r}",
            p_nom=most,
            p_min_pu=-last,
            p_max_pu=0.0,
            marginal_cost=-volume_costs[r, -1] * case.water,
        )
    network.add("Store", "sea", bus="sea", e_nom=1e9, e_initial=0.0)
    network.add(
        "Link",
        [f"stream {s}" for s in streams],
        bus0=[f"R{case.source[s]}" for s in streams],
        bus1=["sea" if case.target[s] < 0 else f"R{case.target[s]}" for s in streams],
        p_nom=np.minimum(case.upper[:, 0], 1e5),
        marginal_cost=pd.DataFrame(
            flow_costs.T, network.snapshots, [f"stream {s}" for s in streams]
        ),
    )
    return network


def _pyomo_model(case: Case, flow_costs: np.ndarray, volume_costs: np.ndarray):
    import pyomo.environ as pyo

    model = pyo.ConcreteModel()
    streams, reservoirs = range(len(case.source)), range(len(case.natural))
    model.s, model.r = pyo.Set(initialize=streams), pyo.Set(initialize=reservoirs)
    model.t = pyo.RangeSet(0, MTUS - 1)
    model.cost = pyo.Param(
        model.s, model.t, mutable=True, initialize=lambda _, s, t: float(flow_costs[s, t])
    )
    model.flow = pyo.Var(model.s, model.t, bounds=lambda _, s, t: (0, _finite(case.upper[s, t])))
    model.volume = pyo.Var(model.r, model.t, bounds=(0, case.volume_max))
    model.objective = pyo.Objective(
        expr=sum(model.cost[s, t] * model.flow[s, t] for s in streams for t in model.t)
        + sum(volume_costs[r, MTUS - 1] * model.volume[r, MTUS - 1] for r in reservoirs)
    )

    def balance(model, r, t):
        left = sum(case.water * model.flow[s, t] for s in streams if case.source[s] == r)
        came = sum(case.water * model.flow[s, t] for s in streams if case.target[s] == r)
        before = model.volume[r, t - 1] if t else 0.0
        return model.volume[r, t] - before + left - came == float(case.natural[r, t])

    model.balance = pyo.Constraint(model.r, model.t, rule=balance)
    return model


def _appsi():
    from pyomo.contrib.appsi.solvers import Highs

    solver = Highs()
    solver.config.stream_solver = False
    solver.highs_options = {"threads": 1}
    return solver


def _finite(value: float) -> float | None:
    return None if np.isinf(value) else float(value)
