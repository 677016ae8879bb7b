"""Processes that are killed as a crash or the kernel would kill them, and what is left of them."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True)
class Process:
    """A process that runs. session: the pid of the one that leads it."""

    pid: int
    session: int
    command: str


def kill_tree(leader: int) -> list[Process]:
    """Kill a session, every process of it, and return those killed."""
    killed: list[Process] = []
    # Whoever was being started while the others died is met in the next round.
    while found := [process for process in running() if process.session == leader]:
        for process in found:
            _kill(process.pid)
        killed += [process for process in found if process not in killed]
    return killed


def kill_leader(leader: int) -> list[Process]:
    """Kill the first process of a session and leave the others behind."""
    killed = [process for process in running() if process.pid == leader]
    _kill(leader)
    return killed


def kill_child(leader: int, rng: random.Random) -> list[Process]:
    """Kill one process of a session that does not lead it; the leader where it has none."""
    members = sorted(
        (process for process in running() if process.session == leader and process.pid != leader),
        key=lambda process: process.pid,
    )
    if not members:
        return kill_leader(leader)
    chosen = rng.choice(members)
    _kill(chosen.pid)
    return [chosen]


def running() -> Iterator[Process]:
    """Yield all processes that run; one that has ended and is not waited for yet does not."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(*GONE):
                # The name, in brackets, may hold anything; fields 3 and 6 follow it.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_text().replace("\0", " ").strip()
                if fields[0] not in "ZX":
                    yield Process(int(entry.name), int(fields[3]), command)


def belonging_to(folder: Path) -> list[Process]:
    """Return the processes that were told of a folder, by an argument or by the environment."""
    needle = str(folder).encode()
    found = []
    for process in running():
        with suppress(*GONE):
            told = Path(f"/proc/{process.pid}/environ").read_bytes()
            if needle in told or needle in process.command.encode():
                found.append(process)
    return found


def kill_each(processes: list[Process]) -> None:
    """Kill processes one by one."""
    for process in processes:
        _kill(process.pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
