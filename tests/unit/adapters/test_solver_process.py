from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from examples import DAY

from hydrobid.adapters.solver_process import CommittedProcesses, SolverProcesses
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import SolverDied
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curve_program import CurveProgram, SharedCurves
from hydrobid.hydro.daily import daily_problem
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Method
from hydrobid.hydro.solve import solve_problem
from hydrobid.hydro.two_stage import shared_curves
from hydrobid.schema import ClientInputs, configuration_of


@pytest.fixture(scope="module")
def problem(sintef_inputs: ClientInputs):
    configuration: ClientConfiguration = configuration_of(sintef_inputs.configuration)
    grid = configuration.market.grid(DAY)
    base = np.linspace(20, 80, len(grid))
    scenarios = {ScenarioId(f"s{n}"): Scenario(base + n) for n in range(3)}
    return Problem.of(configuration.assets[0].watercourse, grid), scenarios


@pytest.fixture
def solver() -> Iterator[SolverProcesses]:
    with SolverProcesses(workers=1) as processes:
        yield processes


def solved(solver: SolverProcesses, problem, scenario_seconds: float = 60) -> dict:
    with solver.solve(*problem, scenario_seconds) as results:
        return dict(results)


def test_solve__gives_what_the_solver_gives(solver: SolverProcesses, problem):
    expected = dict(solve_problem(*problem))

    assert {k: v.to_document() for k, v in solved(solver, problem).items()} == {
        k: v.to_document() for k, v in expected.items()
    }


def test_solve__inflow_and_horizon_reach_the_worker(solver: SolverProcesses, problem):
    alone, scenarios = problem
    day = MtuGrid(alone.horizon.start, 15, len(alone))
    horizon = Horizon.mixed(day.start - 2 * day.step, day)
    longer = daily_problem(alone.watercourse, horizon, [100.0, 50.0])
    reservoir = alone.watercourse.reservoirs[0].name
    own = {
        name: Scenario(
            np.concatenate([[0.0, 0.0], scenario.prices]),
            {reservoir: np.full(len(longer), 5.0 * at)},
        )
        for at, (name, scenario) in enumerate(scenarios.items())
    }

    found = solved(solver, (longer, own))

    expected = dict(solve_problem(longer, own))
    assert {k: v.to_document() for k, v in found.items()} == {
        k: v.to_document() for k, v in expected.items()
    }
    assert len({v.volume[reservoir][-1] for v in found.values()}) == 3


def test_solve__with_commitment(solver: SolverProcesses, problem):
    one, scenarios = problem
    first = dict(list(scenarios.items())[:1])
    (found,) = solved(CommittedProcesses(solver), (one, first)).values()

    assert found.method is Method.COMMITMENT
    assert found.violations == ()
    assert len(solved(solver, problem)) == 3  # the same worker, linear again


def test_solve__a_killed_worker_fails_its_task_and_no_other(solver: SolverProcesses, problem):
    one, scenarios = problem
    base = scenarios[ScenarioId("s0")].prices
    # More results than its pipe holds, so that it cannot be done before it is killed.
    many = {ScenarioId(f"m{n}"): Scenario(base + n / 100) for n in range(200)}
    with solver.solve(one, many, 60) as results:
        next(results)
        solver.workers[0].process.kill()
        solver.workers[0].process.join()

        with pytest.raises(SolverDied) as caught:
            list(results)
    assert caught.value.retryable
    assert len(solved(solver, problem)) == 3


def test_solve__a_scenario_that_takes_too_long_is_stopped(problem):
    with SolverProcesses(workers=1) as solver:
        with pytest.raises(SolverDied, match="more than 1e-06 s"):
            solved(solver, problem, 1e-6)
        hung = solver.workers[0].process
        with pytest.raises(SolverDied):
            solved(solver, problem, 1e-6)
        assert solver.workers[0].process is not hung


def test_solve__a_task_left_early_frees_its_worker(solver: SolverProcesses, problem):
    with solver.solve(*problem, 60) as results:
        next(results)

    assert len(solved(solver, problem)) == 3


def test_solve_jointly__gives_what_the_solver_gives_and_frees_its_worker(
    solver: SolverProcesses, problem
):
    one, scenarios = problem
    taken = list(scenarios.values())
    prices = np.array([scenario.prices for scenario in taken])
    program = CurveProgram(
        prices=prices,
        weights=np.ones(len(taken)),
        points=tuple(np.unique(column) for column in prices.T),
        least=0.0,
        most=500.0,
        imbalance=ImbalancePrices(),
    )

    with solver.solve_jointly(one, taken, program, 60) as results:
        (found,) = results

    expected = shared_curves(one, taken, program)
    assert isinstance(expected, SharedCurves)
    assert found.to_document() == expected.to_document()
    with (
        pytest.raises(SolverDied, match="more than 1e-06 s"),
        CommittedProcesses(solver).solve_jointly(one, taken, program, 1e-6) as results,
    ):
        list(results)
    assert len(solved(solver, problem)) == 3
