"""Arguments, exit codes and refusals of the commands, where no cloud has to run for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hydrobid.cli.clients import bidding_folders
from hydrobid.cli.exits import ExitCode, exit_code_of, exit_code_of_run
from hydrobid.client.errors import RunFailed
from hydrobid.domain.errors import GateClosed, InvalidInput, NotFound, ServiceUnavailable
from hydrobid.domain.states import RunState
from hydrobid.local_cloud.clock import market_now
from hydrobid.local_cloud.errors import LocalCloudDown

HOLDS = ("withdraw", "lock", "release", "kill-switch")
RUNS = ("run", "show", "events", "logs")
COMMANDS = ("up", "down", "status", "clients", *RUNS, *HOLDS, "backtest", "demo", "clock")


@pytest.mark.parametrize("name", COMMANDS)
def test_help__every_command_shows_an_example(command, name):
    result = command(name, "--help")
    assert result.exit_code == 0
    assert f"Example: hydrobid {name}" in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput.of("file", "field", 1, "2"), ExitCode.BAD_INPUT),
        (GateClosed("closed"), ExitCode.BAD_INPUT),
        (NotFound("no run"), ExitCode.BAD_INPUT),
        (LocalCloudDown("down"), ExitCode.NOT_UP),
        (ServiceUnavailable("gone"), ExitCode.NOT_UP),
        (RunFailed("failed"), ExitCode.FAILED),
    ],
)
def test_exit_code_of__tells_bad_input_from_a_cloud_that_is_not_up(error, code):
    assert exit_code_of(error) is code


def test_exit_code_of_run__is_4_unless_all_bids_were_submitted():
    codes = {state: exit_code_of_run(state) for state in RunState if state.finished}
    assert codes.pop(RunState.SUBMITTED) == 0
    assert set(codes.values()) == {4}


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("clock",),
        ("clock", "advance", "1h"),
        ("run", "sintef-example"),
        ("show", "nordic~2026-03-29~r1"),
        ("events", "nordic~2026-03-29~r1"),
        ("withdraw", "sintef-example", "--reason", "why"),
        ("kill-switch", "sintef-example", "on", "--reason", "why"),
        ("logs", "nordic~2026-03-29~r1"),
    ],
)
def test_commands__without_a_local_cloud_end_with_3_and_say_how_to_start_it(command, arguments):
    result = command(*arguments)
    assert result.exit_code == 3
    assert "hydrobid up" in result.stderr


def test_run__good_input_on_a_cloud_that_is_down_ends_with_3(stopped):
    result = stopped("run", "sintef-example", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["code"] == "LOCAL_CLOUD_DOWN"


def test_down__where_nothing_runs_is_fine(command):
    assert command("down").exit_code == 0
    assert not command.folder.root.exists()


def test_clock__shows_market_time_and_moves_it_forward_only(stopped):
    shown = json.loads(stopped("clock", "--json").stdout)
    assert shown["market_time"].startswith("2026-03-28T09:30:")

    assert stopped("clock", "advance", "2h").exit_code == 0
    assert market_now(stopped.folder.clock_file) > datetime(2026, 3, 28, 11, 30, tzinfo=UTC)
    assert stopped.problems("clock", "advance", "backwards")[0]["field"] == "duration"


def test_up__an_instant_without_an_offset_is_refused(command):
    result = command("up", "--now", "2026-10-24T10:30")
    assert result.exit_code == 2
    assert "2026-10-24T10:30" in result.stderr
    assert "offset" in result.stderr
    assert not command.folder.root.exists()


def test_up__a_home_that_is_no_checkout_is_refused(command, monkeypatch, tmp_path):
    monkeypatch.setenv("HYDROBID_HOME", str(tmp_path))
    result = command("up")
    assert result.exit_code == 2
    assert "HYDROBID_HOME" in result.stderr
    assert "functions" in result.stderr


def test_up__a_port_that_is_none_is_refused(command, monkeypatch):
    monkeypatch.setenv("HYDROBID_FIRESTORE_PORT", "http")
    result = command("up")
    assert result.exit_code == 2
    assert "HYDROBID_FIRESTORE_PORT" in result.stderr


def test_clients__lists_what_there_is(command):
    result = command("clients", "--json")
    assert result.exit_code == 0
    listed = {entry["client"]: entry for entry in json.loads(result.stdout)["clients"]}
    assert listed["sintef-example"]["assets"] == [
        {
            "asset": "shop-standard",
            "price_area": "NO2",
            "method": "multi_scenario",
            "scenario_set": "day-ahead",
            "scenarios": 52,
        }
    ]
    assert {a["price_area"] for a in listed["cascade-example"]["assets"]} == {"NO3", "NO5"}


def test_run__a_client_for_backtests_only_is_listed_and_never_bid(stopped):
    listed = json.loads(stopped("clients", "--json").stdout)["clients"]
    assert "backtest-example" in {entry["client"] for entry in listed}
    assert "backtest-example" not in bidding_folders(stopped.clients_dir)
    problem = stopped.problems("run", "backtest-example")[0]
    assert problem["expected"] == "one of cascade-example, sintef-example"


def test_demo__leaves_a_folder_alone_that_is_no_local_clouds(command, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    result = command("demo", "--data-dir", precious, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert (precious / "thesis.txt").read_text() == "years of work"
