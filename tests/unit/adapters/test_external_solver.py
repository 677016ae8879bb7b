"""The solver port on another program: what it decides is checked and simulated, never believed."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hydrobid.adapters import external_solver
from hydrobid.adapters.external_solver import ExternalSolver
from hydrobid.domain.errors import SolverDied
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.optimise import optimise
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import FailureCode, Method, SolveFailure
from hydrobid.hydro.task_documents import task_bytes, task_document

SCENARIO = ScenarioId("s1")
LINOPY = Path(__file__).parents[2] / "linopy_solver.py"
# A unit of 10 m3/s over 100 m at 90 % gives 8.829 MW.
WATERCOURSE = Watercourse.from_document(
    {
        "name": "small",
        "reservoirs": [
            {
                "name": "Upper",
                "volume_max": 1.0,
                "level": {"x": [0, 1], "y": [100, 100]},
                "start_volume": 0.1,
                "water_value": 5000.0,
            }
        ],
        "plants": [
            {
                "name": "P",
                "reservoir": "Upper",
                "outlet_level": 0,
                "units": [
                    {
                        "name": "U",
                        "power_min": 4,
                        "power_max": 9,
                        "turbine": [{"head": 100, "flow": [5, 10], "efficiency": [0.9, 0.9]}],
                        "start_cost": 10,
                    }
                ],
            }
        ],
        "gates": [{"name": "G", "reservoir": "Upper"}],
    }
)
GRID = MtuGrid(datetime(2026, 1, 1, tzinfo=UTC), 60, 3)
PRICES = np.array([40.0, 10.0, 60.0])
RESULT = {"format": "hydrobid-result", "version": 1}


def program(text: str, *arguments: str) -> ExternalSolver:
    return ExternalSolver(Identifier("other"), (sys.executable, "-c", text, *arguments))


def answering(content: str) -> ExternalSolver:
    return program("import sys; sys.stdin.read(); sys.stdout.write(sys.argv[1])", content)


def solved(solver, prices=PRICES, seconds=60.0, inflow=None):
    scenario = Scenario(prices, inflow or {})
    with solver.solve(Problem.of(WATERCOURSE, GRID), {SCENARIO: scenario}, seconds) as results:
        ((scenario, result),) = results
    assert scenario == SCENARIO
    return result


def decisions(**changed):
    told = {"on": {"U": [True, False, True]}, "flow": {"U": [10, 0, 5]}} | changed
    return json.dumps({**RESULT, "decisions": told})


def test_external_solver__every_figure_is_simulated():
    schedule = solved(answering(decisions()))

    assert schedule.method is Method.EXTERNAL
    assert schedule.net_power.tolist() == [8.829, 0.0, 4.4145]
    assert schedule.volume["Upper"].tolist() == [0.1, 0.064, 0.064, 0.046]
    assert schedule.objective.sales == pytest.approx(8.829 * 40 + 4.4145 * 60)
    assert schedule.objective.end_value == pytest.approx(0.046 * 5000)
    # Nothing is known of before the first hour, so one start: the third hour's.
    assert schedule.objective.start_costs == 10.0
    assert schedule.violations == ()


def test_external_solver__what_it_breaks_is_told():
    """More water than there is, and a flow below the turbine's curve."""
    schedule = solved(answering(decisions(flow={"U": [10, 0, 2]}, gate_flow={"G": [0, 50, 0]})))

    codes = {violation.code.value for violation in schedule.violations}
    assert {"volume_below_minimum", "unit_flow_outside_curve"} <= codes
    assert schedule.objective.penalties > 0


def test_external_solver__what_is_off_has_no_flow():
    schedule = solved(answering(decisions(on={"U": [True, False, False]})))

    assert schedule.unit_flow["U"].tolist() == [10.0, 0.0, 0.0]


def test_external_solver__reads_the_scenarios_own_inflow():
    text = (
        "import json, sys; task = json.load(sys.stdin); told = json.dumps(task['inflow']['Upper']);"
        "failure = {'code': 'INFEASIBLE', 'message': told};"
        "json.dump({'format': 'hydrobid-result', 'version': 1, 'failure': failure}, sys.stdout)"
    )

    failure = solved(program(text), inflow={Identifier("Upper"): np.array([1.0, 2.0, 3.5])})

    assert json.loads(failure.message) == [1.0, 2.0, 3.5]


def test_external_solver__second_implementation():
    """A solver made with linopy keeps every limit, and ours is not worth less."""
    solver = ExternalSolver(Identifier("linopy"), (sys.executable, str(LINOPY)))
    theirs = solved(solver, seconds=240)

    assert theirs.violations == ()
    assert theirs.unit_on["U"].tolist() == [True, False, True]
    ours = optimise(Problem.of(WATERCOURSE, GRID), PRICES).result
    assert ours.objective.total >= theirs.objective.total - 1e-6


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "Invalid JSON"),
        ("no schedule", "Invalid JSON"),
        ("[" * 100_000, "not a result"),
        (json.dumps(RESULT), "one of the two"),
        (decisions().replace("10", "NaN"), "not a result"),
        (decisions().replace("10", "1e999"), "not a result"),
        (decisions(flow={"U": [10, 0, -5]}), "greater than or equal to 0"),
        (decisions(flow={"U": [10, 0]}), "flow.U has 2 values; expected 3"),
        (decisions(flow={"V": [10, 0, 5]}), "flow.V is no element of the task"),
        (decisions(flow={"../../V": [10, 0, 5]}), "letters, digits"),
        (decisions(sales=[1e9]), "Extra inputs"),
        (decisions().replace("hydrobid-result", "other-result"), "hydrobid-result"),
    ],
)
def test_external_solver__hostile_result(answer, words):
    result = solved(answering(answer))

    assert isinstance(result, SolveFailure)
    assert result.code is FailureCode.SOLVER_ERROR
    assert words in result.message
    assert len(result.message) < 2000


def test_external_solver__failure_of_its_own():
    failure = {"code": "INFEASIBLE", "message": "too little water"}
    result = solved(answering(json.dumps({**RESULT, "failure": failure})))

    assert result == SolveFailure(FailureCode.INFEASIBLE, "too little water")


def test_external_solver__ends_badly():
    with pytest.raises(SolverDied, match="other ended with code 3") as caught:
        solved(program("import sys; sys.stderr.write('no licence'); sys.exit(3)"))

    assert caught.value.details["last_words"] == "no licence"


def test_external_solver__cannot_be_started():
    with pytest.raises(SolverDied, match="other cannot be started"):
        solved(ExternalSolver(Identifier("other"), ("/nowhere/solver",)))


def test_external_solver__hangs_with_all_that_it_started(tmp_path):
    """A program that takes too long is killed, its children with it."""
    child = "import time; time.sleep(600)"
    text = (
        "import subprocess, sys, time, pathlib;"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}]);"
        "pathlib.Path(sys.argv[1]).write_text(str(child.pid)); time.sleep(600)"
    )
    noted = tmp_path / "child"
    with pytest.raises(SolverDied, match="took more than 5 s"):
        solved(program(text, str(noted)), seconds=5)

    deadline = time.monotonic() + 20
    while _runs(int(noted.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(int(noted.read_text()))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_external_solver__never_stops_writing(monkeypatch):
    monkeypatch.setattr(external_solver, "MOST_OUTPUT", 100_000)

    with pytest.raises(SolverDied, match="wrote more than 100000 bytes"):
        solved(program("while True: print('x' * 1000)"))


def test_external_solver__sees_none_of_our_environment(monkeypatch):
    monkeypatch.setenv("HYDROBID_SECRET", "hush")
    text = "import os, sys; sys.stderr.write(' '.join(sorted(os.environ))); sys.exit(1)"
    with pytest.raises(SolverDied) as caught:
        solved(program(text))

    assert "HYDROBID_SECRET" in os.environ
    assert "HYDROBID" not in caught.value.details["last_words"]
    assert "PATH" in caught.value.details["last_words"]


def test_task_document__is_json_and_holds_the_problem():
    problem = Problem.of(WATERCOURSE, GRID)
    task = json.loads(task_bytes(task_document(problem, SCENARIO, PRICES)))

    assert Watercourse.from_document(task["watercourse"]) == WATERCOURSE
    assert task["periods"]["hours"] == [1.0, 1.0, 1.0]
    assert task["limits"]["gate_flow_max"]["G"] == [None, None, None]
    assert task["limits"]["power_min"]["U"] == [4.0, 4.0, 4.0]
    assert task["start"]["volume"] == {"Upper": 0.1}
    assert task["trade"]["sale_max"] == [None, None, None]
