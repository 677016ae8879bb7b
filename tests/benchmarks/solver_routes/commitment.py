"""The mixed-integer day stated in linopy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hydrobid.hydro.model import HydroModel
from solver_routes.case import MTUS


def linopy(model: HydroModel, costs: Sequence[np.ndarray], gap: float) -> Iterator[float]:
    """Linopy with HiGHS, a new model each."""
    import linopy as lp
    import xarray as xr

    problem, each, upper = model.problem, model.streams.each, model.streams.upper
    reservoirs, time = problem.watercourse.reservoirs, {"t": np.arange(MTUS)}
    whole = np.flatnonzero([stream.whole for stream in each])
    plain = np.flatnonzero([not stream.whole for stream in each])
    segments = [at for at in plain if each[at].machine]
    units = [each[at].machine for at in whole]
    start_cost = {u.name: u.start_cost for p in problem.watercourse.plants for u in p.units}
    water = 0.0036 * problem.horizon.hours * model.streams.flow
    moves = np.array(
        [
            [[(s.route.source == r) - float(s.route.target == r)] * MTUS for s in each]
            for r in range(len(reservoirs))
        ]
    )
    stores = {"r": np.arange(len(reservoirs)), **time}
    natural = xr.DataArray(model.sparse.row_lower[model.balance], stores)
    of_unit = [units.index(each[at].machine) for at in segments]

    def over(positions, name):
        return {name: np.arange(len(positions)), **time}

    def moved(positions, name):
        return xr.DataArray(
            (moves * water)[:, positions], {"r": stores["r"], **over(positions, name)}
        )

    for values in costs:
        m, cost = lp.Model(), values[model.stream]
        on = m.add_variables(binary=True, coords=list(over(whole, "u").items()), name="on")
        flow = m.add_variables(0, xr.DataArray(upper[plain], over(plain, "s")), name="flow")
        sizes = [[r.volume_max] * MTUS for r in reservoirs]
        volume = m.add_variables(0, xr.DataArray(sizes, stores), name="volume")
        start = m.add_variables(0, 1, coords=list(over(whole, "u").items()), name="start")
        left = (on * moved(whole, "u")).sum("u") + (flow * moved(plain, "s")).sum("s")
        now, later = volume + left, {"t": np.arange(1, MTUS)}
        m.add_constraints(now.isel(t=[0]) == natural.isel(t=[0]))
        before = volume.isel(t=np.arange(MTUS - 1)).assign_coords(later)
        m.add_constraints(now.isel(later) - before == natural.isel(later))
        widest = xr.DataArray(upper[segments], over(segments, "s"))
        running = on.isel(u=of_unit).rename(u="s").assign_coords(s=np.arange(len(segments)))
        at = [int(np.flatnonzero(plain == position)[0]) for position in segments]
        flowing = flow.isel(s=at).assign_coords(s=np.arange(len(segments)))
        m.add_constraints(flowing - running * widest <= 0)
        on_before = on.isel(t=np.arange(MTUS - 1)).assign_coords(later)
        m.add_constraints(on.isel(later) - on_before - start.isel(later) <= 0)
        prices = xr.DataArray([start_cost[u] for u in units], {"u": np.arange(len(units))})
        m.add_objective(
            (on * xr.DataArray(cost[whole], over(whole, "u"))).sum()
            + (flow * xr.DataArray(cost[plain], over(plain, "s"))).sum()
            + (volume * xr.DataArray(values[model.volume], stores)).sum()
            + (start * prices).sum()
        )
        m.solve("highs", io_api="direct", output_flag=False, threads=1, mip_rel_gap=gap)
        yield -m.objective.value
