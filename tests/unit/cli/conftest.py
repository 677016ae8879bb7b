"""The command in this process, on data folders that hold a state but no running cloud."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hydrobid.cli.main import app
from hydrobid.domain.time import parse_instant
from hydrobid.local_cloud.clock import set_market_time
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.state import CloudState, save_state

CHECKOUT = Path(__file__).parents[3]
EXAMPLES = CHECKOUT / "shared" / "clients"
MARKET_TIME = "2026-03-28T10:30+01:00"


class Command:
    """The command, told of a data folder and of a folder of clients."""

    def __init__(self, folder: DataFolder, clients_dir: Path) -> None:
        self.folder, self.clients_dir = folder, clients_dir

    def __call__(self, *arguments: str | Path) -> Result:
        environment = {
            "HYDROBID_DATA_DIR": str(self.folder.root),
            "HYDROBID_CLIENTS_DIR": str(self.clients_dir),
            "COLUMNS": "200",
        }
        return CliRunner().invoke(app, list(map(str, arguments)), env=environment)

    def problems(self, *arguments: str | Path) -> list[dict[str, str]]:
        """Run a command with --json that has to refuse its input, and return what it names."""
        result = self(*arguments, "--json")
        assert result.exit_code == 2, result.output
        error = json.loads(result.stdout)["error"]
        assert error["code"] == "INVALID_INPUT"
        problems = error["details"]["problems"]
        lines = result.stderr.splitlines()[1:]
        assert len(lines) == len(problems)
        for line, problem in zip(lines, problems, strict=True):
            assert f"{problem['document']}: {problem['field']} is " in line
        return problems


@pytest.fixture
def command(tmp_path) -> Command:
    """A command beside a data folder in which nothing was ever started."""
    return Command(DataFolder(tmp_path / "data"), EXAMPLES)


@pytest.fixture
def stopped(command) -> Command:
    """A command beside a local cloud that is down, at 10:30 on 28 March 2026."""
    command.folder.root.mkdir()
    set_market_time(command.folder.clock_file, parse_instant(MARKET_TIME))
    state = CloudState(
        project="hydrobid-local",
        location="europe-north1",
        home=CHECKOUT,
        clients_dir=EXAMPLES,
        ports={},
        outside={},
        processes={},
    )
    save_state(command.folder, state)
    return command


@pytest.fixture
def own_client(stopped, tmp_path) -> Path:
    """The folder of a client of one's own, on which the command `stopped` works."""
    folder = tmp_path / "clients" / "sintef-example"
    shutil.copytree(EXAMPLES / "sintef-example", folder)
    stopped.clients_dir = folder.parent
    return folder
