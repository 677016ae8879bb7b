"""What is known of a local cloud between two commands: where its processes listen and who they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import ClientId
from hydrobid.local_cloud.errors import LocalCloudDown
from hydrobid.local_cloud.files import write_atomically
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.ports import LOOPBACK


class ProcessRecord(Value):
    """A process that was started. birth: when, as the kernel tells it, since pids are used again.

    fingerprint: of what it was started with; another one asks for a restart.
    """

    pid: int
    birth: str
    fingerprint: str


class CloudState(Value):
    """A local cloud. ports: by process, kept over restarts. outside: services that are not ours."""

    version: Literal[1] = 1
    project: str
    location: str
    home: Path
    clients_dir: Path
    clients: tuple[ClientId, ...] = ()
    ports: dict[str, int]
    outside: dict[str, str]
    processes: dict[str, ProcessRecord]

    def host(self, service: str) -> str:
        """Return host:port of a service."""
        return self.outside.get(service) or f"{LOOPBACK}:{self.ports[service]}"

    def url(self, process: str) -> str:
        """Return the address of a process that speaks HTTP."""
        return f"http://{self.host(process)}"


def load_state(folder: DataFolder) -> CloudState | None:
    """Return the state in a data folder, None where no local cloud was ever started."""
    try:
        content = folder.state_file.read_bytes()
    except FileNotFoundError:
        return None
    return CloudState.from_document(json.loads(content))


def require_state(folder: DataFolder) -> CloudState:
    """Return the state in a data folder; raise LocalCloudDown where there is none."""
    state = load_state(folder)
    if state is None:
        raise LocalCloudDown(
            f"no local cloud in {folder.root}; start one: hydrobid up", data_dir=str(folder.root)
        )
    return state


def save_state(folder: DataFolder, state: CloudState) -> None:
    """Replace the state in a data folder."""
    write_atomically(folder.state_file, state.model_dump_json(indent=2).encode())
