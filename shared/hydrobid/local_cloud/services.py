"""What a local cloud consists of: five services, and the functions of each client."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass

from hydrobid.bootstrap.alerting import notifiers_of
from hydrobid.bootstrap.settings import AlertSettings
from hydrobid.bootstrap.topology import resource_id, topology
from hydrobid.domain.canonical import digest_of_bytes
from hydrobid.domain.identifiers import ClientId
from hydrobid.local_cloud.credentials import account_names
from hydrobid.local_cloud.layout import DataFolder, Home
from hydrobid.local_cloud.ports import LOOPBACK
from hydrobid.local_cloud.processes import Service
from hydrobid.local_cloud.settings import LocalCloudSettings
from hydrobid.local_cloud.state import CloudState

FIRESTORE, PUBSUB, WORKFLOWS, EXCHANGE = "firestore", "pubsub", "workflows", "exchange"
SCHEDULER = "scheduler"
WORKFLOWS_REST = "workflows-rest"
REQUEST_THREADS = "8"


def port_owners(clients: tuple[ClientId, ...], outside: Collection[str]) -> dict[str, str]:
    """Return every port's name and the process that listens on it, of all that is started here."""
    emulators = (FIRESTORE, PUBSUB, WORKFLOWS, SCHEDULER, EXCHANGE)
    functions = [resource_id(client, name) for client in clients for name in topology().functions]
    names = [*(name for name in emulators if name not in outside), *functions]
    return {WORKFLOWS_REST: WORKFLOWS, **{name: name for name in names}}


@dataclass(frozen=True)
class Blueprint:
    """How each process is started, once its ports are known."""

    folder: DataFolder
    settings: LocalCloudSettings
    state: CloudState

    def services(self) -> dict[str, Service]:
        """Return what to run, by name."""
        state = self.state
        functions = [
            self._function(client, name)
            for client in state.clients
            for name in topology().functions
        ]
        emulators = [
            self._emulator(FIRESTORE),
            self._emulator(PUBSUB, last=True),
            self._emulator(
                WORKFLOWS,
                "--rest-port",
                str(state.ports[WORKFLOWS_REST]),
                "--pubsub-host",
                state.host(PUBSUB),
                "--firestore-host",
                state.host(FIRESTORE),
                last=True,
            ),
            self._emulator(
                SCHEDULER,
                "--pubsub-host",
                state.host(PUBSUB),
                "--workflows-host",
                f"{LOOPBACK}:{state.ports[WORKFLOWS_REST]}",
                last=True,
            ),
            self._exchange(),
        ]
        return {
            service.name: service
            for service in (*emulators, *functions)
            if service.name not in state.outside
        }

    def _emulator(
        self, name: str, *arguments: str, content: tuple[str, ...] = (), last: bool = False
    ) -> Service:
        port = self.state.ports.get(name, 0)
        command = (
            sys.executable, "-P", "-m", f"emulators.{name}",
            "--port", str(port),
            "--data-dir", str(self.folder.store(name)),
            "--clock-file", str(self.folder.clock_file),
            "--faults-file", str(self.folder.faults_file),
            *arguments,
        )  # fmt: skip
        return Service(name, command, self._environment(), port, "announced", content, last)

    def _exchange(self) -> Service:
        market = self.settings.market_file or Home(self.state.home).market
        return self._emulator(
            EXCHANGE,
            "--market",
            str(market.absolute()),
            "--credentials-file",
            str(self.folder.exchange_accounts),
            "--prices",
            str(self.folder.prices_file),
            content=(digest_of_bytes(market.read_bytes()), *account_names(self.folder)),
        )

    def _function(self, client: ClientId, name: str) -> Service:
        process = resource_id(client, name)
        port = self.state.ports[process]
        command = (
            sys.executable, "-P", "-m", "functions_framework",
            "--source", str(Home(self.state.home).function(name)),
            "--target", name,
            "--signature-type", "cloudevent" if name in _pushed_functions() else "http",
            "--host", LOOPBACK,
            "--port", str(port),
        )  # fmt: skip
        environment = {
            **self._environment(),
            **self._cloud(client),
            **self._own(client, name),
            **(_alert_variables(client) if name in _pushed_functions() else {}),
            "WORKERS": "1",
            # Its control socket has the same name for every server of a user, save in this folder.
            "XDG_RUNTIME_DIR": str(self.folder.root / "run" / process),
        }
        return Service(process, command, environment, port, "http")

    def _environment(self) -> dict[str, str]:
        loopback = f"{LOOPBACK},localhost"
        return {
            "PYTHONPATH": Home(self.state.home).python_path,
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": loopback,
            "no_proxy": loopback,
        }

    def _cloud(self, client: ClientId) -> dict[str, str]:
        """What tells a function which cloud it is in and whom it serves."""
        return {
            "HYDROBID_CLIENT": client,
            "HYDROBID_PROJECT": self.state.project,
            "HYDROBID_LOCATION": self.state.location,
            "HYDROBID_CLOCK_FILE": str(self.folder.clock_file),
            "HYDROBID_WORKFLOWS_HOST": self.state.host(WORKFLOWS),
            "FIRESTORE_EMULATOR_HOST": self.state.host(FIRESTORE),
            "PUBSUB_EMULATOR_HOST": self.state.host(PUBSUB),
            # OpenTelemetry's own variables say whether and where traces go.
            **{name: value for name, value in os.environ.items() if name.startswith("OTEL_")},
        }

    def _own(self, client: ClientId, function: str) -> dict[str, str]:
        """What only one function is told."""
        if function == "solver":
            # As many tasks at once as it has workers; further ones wait for their turn.
            workers = str(self.settings.solver_workers)
            others = self.settings.external_solvers
            named = {"HYDROBID_EXTERNAL_SOLVERS": json.dumps(others)} if others else {}
            return {"THREADS": workers, "HYDROBID_SOLVER_WORKERS": workers, **named}
        if function == "submission":
            return {
                "THREADS": REQUEST_THREADS,
                "HYDROBID_EXCHANGE_URL": self.state.url(EXCHANGE),
                "HYDROBID_EXCHANGE_TOKEN_URL": f"{self.state.url(EXCHANGE)}/connect/token",
                "HYDROBID_EXCHANGE_CREDENTIALS": f"file:{self.folder.exchange_account(client)}",
                "HYDROBID_RESERVE_FOLDER": str(self.folder.reserves(client)),
            }
        if function == "desk":
            return {
                "THREADS": REQUEST_THREADS,
                "HYDROBID_DESK_TOKENS_FILE": str(self.folder.desk_tokens(client)),
            }
        return {"THREADS": REQUEST_THREADS}


def _alert_variables(client: ClientId) -> dict[str, str]:
    """Return where alerts are told; raise InvalidInput where a function could not tell them there."""
    notifiers_of(AlertSettings.from_environment(), client)
    return AlertSettings.variables()


def _pushed_functions() -> set[str]:
    return {topic.function for topic in topology().topics.values()}
