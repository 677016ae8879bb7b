"""`diagnose`, `replay` and `dead-letters` as commands, on runs of the pipeline in one process."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from examples import CASCADE, DAY, SINTEF

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli import diagnose, replay
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.replay_scenario import replay_scenario

RUN = f"nordic~{DAY}~r1"
ASKED = {
    "diagnose": ("diagnose", RUN),
    "replay": ("replay", RUN, "--asset", "shop-standard", "--scenario", "s17"),
    "dead-letters": ("dead-letters",),
}


@dataclass(frozen=True)
class State:
    clients: tuple[str, ...]


@dataclass(frozen=True)
class InProcessConsole:
    """A console of pipelines in one process, by client."""

    pipelines: dict[str, InProcessPipeline]

    @property
    def clock(self):
        return next(iter(self.pipelines.values())).clock

    def documents(self, client):
        return self.pipelines[client].documents

    def replay(self, client, run, asset, scenario):
        pipeline = self.pipelines[client]
        return replay_scenario(
            pipeline.documents, pipeline.clock, pipeline.solvers, run, asset, scenario
        )


@pytest.fixture
def both(sintef, cascade, command, monkeypatch):
    """The command, before which both examples have run; the SINTEF one's s17 lies so."""
    sintef.run(SINTEF, DAY)
    cascade.run(CASCADE, DAY)
    console = InProcessConsole({SINTEF: sintef, CASCADE: cascade})
    for module in (diagnose, replay):
        monkeypatch.setattr(module, "connect", lambda _: (console, State((SINTEF, CASCADE))))
    return command


@pytest.mark.parametrize("name", ASKED)
def test_help__shows_an_example(command, name):
    result = command(name, "--help")
    assert result.exit_code == 0
    assert f"Example: hydrobid {name}" in result.output


@pytest.mark.parametrize("name", ASKED)
def test_commands__without_a_local_cloud_end_with_3(command, name):
    result = command(*ASKED[name])
    assert result.exit_code == 3
    assert "hydrobid up" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--id", "1", "--all")])
def test_dead_letters_replay__wants_one_of_id_and_all(command, arguments):
    (problem,) = command.problems("dead-letters", "replay", *arguments)
    assert problem["field"] == "--id, --all"


def test_diagnose__prints_what_it_finds(both, sintef):
    as_json = json.loads(both("diagnose", RUN, "--client", SINTEF, "--json").stdout)
    shown = both("diagnose", RUN, "--client", SINTEF).stdout

    assert as_json["state"] == "submitted"
    assert f"{RUN} of {SINTEF}: submitted; all orders stood at 2026-11-24T09:30:00Z" in shown
    assert "1 h 30 min before the gate" in shown
    assert "Nothing: every asset's bid rests on all its scenarios." in shown
    assert f"{as_json['areas'][0]['offered']['sales']:,.0f} EUR" in shown


def test_diagnose__shows_failures_word_for_word(command, sintef, monkeypatch):
    """What a solver says is never markup, and never cut."""
    said = f"row [bold]7[/bold] {'of many ' * 40}rows"

    class Refusing:
        def solve(self, *arguments):
            results = [(s, SolveFailure(FailureCode.INFEASIBLE, said, {})) for s in arguments[1]]
            return nullcontext(iter(results))

    sintef.solver = Refusing()
    sintef.run(SINTEF, DAY)
    console = InProcessConsole({SINTEF: sintef})
    monkeypatch.setattr(diagnose, "connect", lambda _: (console, State((SINTEF,))))

    shown = command("diagnose", RUN).stdout

    assert f"the solver said: {said}" in shown
    assert "INFEASIBLE, no schedule keeps every limit" in shown
    assert "its bid comes from: water_value" in shown
    assert "WARNING ASSET_ON_FALLBACK" in shown
    found = diagnose_run(sintef.documents, sintef.clock, sintef.plan(SINTEF, DAY).plan.run)
    assert found.alerts[0].action in shown


def test_diagnose__a_run_of_several_clients_asks_whose(both):
    (problem,) = both.problems("diagnose", RUN)
    assert "one of sintef-example, cascade-example" in problem["expected"]
    assert both("diagnose", f"nordic~{DAY}~r9").exit_code == 2
    assert both("diagnose", RUN, "--client", "nobody").exit_code == 2


def test_replay__ends_with_0_when_equal_and_1_when_not(both, sintef):
    equal = both(*ASKED["replay"], "--client", SINTEF, "--json")
    whole = sintef.solver

    class Nudging:
        def solve(self, *arguments):
            with whole.solve(*arguments) as results:
                scenario, schedule = next(results)
            schedule.net_power[17] += 0.5
            return nullcontext(iter([(scenario, schedule)]))

    sintef.solver = Nudging()
    other = both(*ASKED["replay"], "--client", SINTEF)

    assert equal.exit_code == 0
    assert json.loads(equal.stdout)["equal"]
    assert other.exit_code == 1
    assert "something else was found" in other.stdout
    assert "net_power[17]" in other.stdout
