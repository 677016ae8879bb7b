"""What the environment says about the local cloud. Every setting has a default."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import SettingsError

from hydrobid.bootstrap.settings import ExternalSolverSettings
from hydrobid.domain.errors import InvalidInput

DEFAULT_DATA_DIR = Path(".hydrobid")
EMULATOR_HOSTS = {"firestore": "FIRESTORE_EMULATOR_HOST", "pubsub": "PUBSUB_EMULATOR_HOST"}
HIGHEST_PORT = 65_535


class LocalCloudSettings(ExternalSolverSettings):
    """Variables begin with HYDROBID_, as HYDROBID_HOME; options of a command come before them.

    home: the checkout to run. market_file: the market of the local exchange. solver_workers: tasks
    that each client's solver takes at once. external_solvers: passed on to each client's solver.
    """

    home: Path | None = None
    market_file: Path | None = None
    solver_workers: int = Field(default=os.cpu_count() or 1, ge=1)

    @classmethod
    def from_environment(cls) -> LocalCloudSettings:
        """Return the settings; raise InvalidInput naming each variable that cannot be read."""
        try:
            return cls()
        except SettingsError as error:
            expected = "JSON: a list of a program and its arguments by name"
            name = "HYDROBID_EXTERNAL_SOLVERS"
            raise InvalidInput.of("environment", name, "not shown", expected) from error
        except ValidationError as error:
            fault = error.errors()[0]
            name = "HYDROBID_" + "_".join(map(str, fault["loc"])).upper()
            raise InvalidInput.of("environment", name, fault["input"], fault["msg"]) from error


def fixed_port(process: str) -> int | None:
    """Return the port that the environment gives a process, as HYDROBID_FIRESTORE_PORT does."""
    name = port_variable(process)
    text = os.environ.get(name)
    if text is None:
        return None
    if not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        raise InvalidInput.of("environment", name, text, f"a port from 1 to {HIGHEST_PORT}")
    return int(text)


def port_variable(process: str) -> str:
    """Return the name of the variable that fixes a process's port."""
    return f"HYDROBID_{process.upper().replace('-', '_')}_PORT"


def outside_hosts() -> dict[str, str]:
    """Return host:port by service for services that are there already and are not started."""
    return {
        service: host for service, name in EMULATOR_HOSTS.items() if (host := os.environ.get(name))
    }
