"""A local cloud comes up, goes down and tells how it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.domain.identifiers import ClientId, Portfolio
from hydrobid.local_cloud.clock import check_forward, set_market_time
from hydrobid.local_cloud.credentials import ensure_accounts
from hydrobid.local_cloud.files import exclusive
from hydrobid.local_cloud.layout import DataFolder, Home
from hydrobid.local_cloud.ports import LOOPBACK, choose_ports
from hydrobid.local_cloud.processes import Service, Started, await_ready, is_alive, start, stop
from hydrobid.local_cloud.services import Blueprint, port_owners
from hydrobid.local_cloud.settings import LocalCloudSettings, outside_hosts
from hydrobid.local_cloud.state import CloudState, ProcessRecord, load_state, save_state


@dataclass(frozen=True)
class CloudRequest:
    """What is to be up. portfolios: of each client. now: market time at the start; None keeps it."""

    folder: DataFolder
    clients_dir: Path
    portfolios: Mapping[ClientId, Portfolio]
    now: datetime | None = None


@dataclass(frozen=True)
class ProcessStatus:
    """A process of a local cloud as it is now."""

    name: str
    pid: int
    port: int
    alive: bool
    log: Path


@dataclass(frozen=True)
class UpReport:
    """A local cloud that is up, and which of its processes this call has started."""

    state: CloudState
    started: tuple[str, ...]


def bring_up(
    request: CloudRequest,
    settings: LocalCloudSettings,
    deploy: Callable[[CloudState], None],
) -> UpReport:
    """Start what does not run, wait until all is ready, and deploy.

    Raises:
        ProcessFailed: a process ended while starting; the others are left running.
        InvalidInput: a setting cannot be followed, as a fixed port that is taken.
    """
    folder = request.folder
    folder.root.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.lock_file):
        before = load_state(folder)
        former = before.processes if before is not None else {}
        alive = _alive(before)
        # A process that was killed may have left children behind, on its port.
        stop([record for name, record in former.items() if name not in alive])
        if request.now is not None and alive:
            check_forward(folder.clock_file, request.now)
        state = _planned(request, settings, before, alive)
        ensure_accounts(folder, request.portfolios)
        if request.now is not None:
            set_market_time(folder.clock_file, request.now)
        state, started = _start_missing(Blueprint(folder, settings, state), alive)
        deploy(state)
    return UpReport(state, started)


def bring_down(folder: DataFolder) -> tuple[str, ...]:
    """Stop everything that runs and return what ran; all state stays on disk."""
    if load_state(folder) is None:
        return ()
    with exclusive(folder.lock_file):
        state = load_state(folder)
        running = tuple(_alive(state))
        if state is not None:
            stop(state.processes.values())
            save_state(folder, state.model_copy(update={"processes": {}}))
    return running


def look(folder: DataFolder, state: CloudState) -> list[ProcessStatus]:
    """Return how each process is that should run."""
    return [
        ProcessStatus(name, record.pid, state.ports[name], is_alive(record), folder.log(name))
        for name, record in state.processes.items()
    ]


def _alive(state: CloudState | None) -> dict[str, ProcessRecord]:
    processes = state.processes if state is not None else {}
    return {name: record for name, record in processes.items() if is_alive(record)}


def _planned(
    request: CloudRequest,
    settings: LocalCloudSettings,
    before: CloudState | None,
    alive: Mapping[str, ProcessRecord],
) -> CloudState:
    cloud, kept_ports = CloudSettings(), before.ports if before is not None else {}
    # Who was told our own emulator's address, to speak with it, does not mean somebody else's.
    ours = {f"{LOOPBACK}:{port}" for port in kept_ports.values()}
    outside = {service: host for service, host in outside_hosts().items() if host not in ours}
    clients = tuple(sorted(request.portfolios))
    return CloudState(
        project=cloud.project,
        location=cloud.location,
        home=Home.find(settings.home).root,
        clients_dir=request.clients_dir,
        clients=clients,
        ports=choose_ports(port_owners(clients, outside), kept_ports, alive),
        outside=outside,
        processes=dict(alive),
    )


def _start_missing(
    blueprint: Blueprint, alive: Mapping[str, ProcessRecord]
) -> tuple[CloudState, tuple[str, ...]]:
    """Start what does not run as it should, after stopping what runs otherwise or should not.

    Returns the state with every process, once all are ready, and the names of those started.
    """
    wanted = blueprint.services()
    kept = {
        name: record
        for name, record in alive.items()
        if name in wanted and record.fingerprint == wanted[name].fingerprint
    }
    stop([record for name, record in alive.items() if name not in kept])
    missing = [service for name, service in wanted.items() if name not in kept]
    state = blueprint.state.model_copy(update={"processes": kept})
    for last in (False, True):
        wave = [service for service in missing if service.last is last]
        state, started = _start(blueprint.folder, state, wave)
        await_ready(started)
    return state, tuple(service.name for service in missing)


def _start(
    folder: DataFolder, state: CloudState, services: Sequence[Service]
) -> tuple[CloudState, list[Started]]:
    """Start processes and note them, so that `down` finds every one whatever happens now."""
    started: dict[str, Started] = {}
    try:
        for service in services:
            started[service.name] = start(service, folder.log(service.name))
    finally:
        records = {name: each.record for name, each in started.items()}
        state = state.model_copy(update={"processes": {**state.processes, **records}})
        save_state(folder, state)
    for each in started.values():
        each.go()
    return state, list(started.values())
