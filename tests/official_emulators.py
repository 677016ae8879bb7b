"""Google's own Firestore and Pub/Sub emulators for the contract suite, from wherever they can be had.

One that runs already and that the service's variable names; the Cloud CLI's component, which needs
Java; or the container of `emulators/compose.yaml`, or of the file that EMULATORS_COMPOSE_FILE
names, where a Docker engine runs. Elsewhere the suite says that they are not there, and why.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

COMPOSE = Path(
    os.environ.get("EMULATORS_COMPOSE_FILE", Path(__file__).parents[1] / "emulators/compose.yaml")
)
SECONDS_TO_START = 90
VARIABLES = {"firestore": "FIRESTORE_EMULATOR_HOST", "pubsub": "PUBSUB_EMULATOR_HOST"}
# As the environment had them when the tests began: fixtures set them to other emulators.
RUNNING = {service: os.environ.get(variable) for service, variable in VARIABLES.items()}
COMPONENTS = {
    "firestore": "platform/cloud-firestore-emulator/cloud_firestore_emulator start",
    "pubsub": "platform/pubsub-emulator/bin/cloud-pubsub-emulator",
}


class NotAvailable(Exception):
    """No emulator of Google's can be had on this machine; says what was looked for."""


@dataclass(frozen=True)
class Official:
    """An emulator of Google's: HOST:PORT, and where it came from."""

    host: str
    source: str


@contextmanager
def official(service: str) -> Iterator[Official]:
    """Run Google's emulator of a service inside the block; raises NotAvailable."""
    running = RUNNING[service]
    if running is not None:
        yield Official(running, VARIABLES[service])
        return
    component = _component(service)
    if component is not None:
        with _process(component) as host:
            yield Official(host, "the Cloud CLI's component")
        return
    with _container(service) as host:
        yield Official(host, f"a container of {COMPOSE.name}")


def _component(service: str) -> list[str] | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    program, *arguments = COMPONENTS[service].split()
    found = Path(gcloud).resolve().parents[1] / program
    return [str(found), *arguments] if found.is_file() else None


@contextmanager
def _process(command: list[str]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # The component is a script that starts Java: both end together.
        start_new_session=True,
    )
    try:
        host = f"127.0.0.1:{port}"
        _await(host)
        yield host
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


@contextmanager
def _container(service: str) -> Iterator[str]:
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer

    definition = yaml.safe_load(COMPOSE.read_text())["services"][service]
    port = int(definition["ports"][0].rpartition(":")[2])
    try:
        container = DockerContainer(definition["image"])
        container.with_command(definition["command"]).with_exposed_ports(port).start()
    except DockerException as error:
        raise NotAvailable(
            f"no {VARIABLES[service]}, no Cloud CLI component, no Docker: {error}"
        ) from error
    try:
        host = f"{container.get_container_host_ip()}:{container.get_exposed_port(port)}"
        _await(host)
        yield host
    finally:
        container.stop()


def _await(host: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            httpx.get(f"http://{host}/", timeout=5)
        except httpx.RemoteProtocolError:
            return  # a server that speaks gRPC alone has answered as well
        except httpx.TransportError:
            pass
        else:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{host} was not ready within {SECONDS_TO_START} s")
        time.sleep(0.2)
