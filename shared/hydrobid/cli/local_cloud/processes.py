"""Processes that outlive the command that started them, and how to find and end them again."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hydrobid.cli.exits import ProcessFailed
from hydrobid.cli.local_cloud.ports import LOOPBACK
from hydrobid.cli.local_cloud.state import ProcessRecord
from hydrobid.domain.canonical import digest

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.03
ANSWER_SECONDS = 2.0
LAST_WORDS = 15
SHELL = "/bin/sh"
WAIT_FOR_GO = 'read -r go && exec "$@" </dev/null'
READY_LINE = b'{"ready"'
# What a command was told is not meant for the processes that it starts: they are told themselves.
OWN_VARIABLES = ("HYDROBID_", "FIRESTORE_", "PUBSUB_", "GOOGLE_", "PYTHON", "FUNCTION_", "OTEL_")


@dataclass(frozen=True)
class Service:
    """A process to run. ready: by a line that it prints, or by an answer to any HTTP request.

    content: of files that it reads only when it starts. last: whether it starts once all others are
    ready, since it calls them at once to go on with what it left undone, and counts each call that
    nobody answers.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    port: int
    ready: Literal["announced", "http"]
    content: tuple[str, ...] = ()
    last: bool = False

    @property
    def fingerprint(self) -> str:
        """The digest of everything that the process is started with."""
        return digest([self.command, dict(self.environment), self.content])


@dataclass(frozen=True)
class Started:
    """A process that was started and may not be ready yet.

    offset: of its first words in the log. gate: the pipe on which it waits for its go.
    """

    service: Service
    record: ProcessRecord
    log: Path
    offset: int
    gate: int

    def go(self) -> None:
        """Let the process become what it is: its record is kept, so it can be found again."""
        os.write(self.gate, b"\n")
        os.close(self.gate)

    def words(self) -> bytes:
        """Return what the process has written so far."""
        with self.log.open("rb") as file:
            file.seek(self.offset)
            return file.read()


def start(service: Service, log: Path) -> Started:
    """Start a process in a session of its own, so that it outlives this one.

    It waits for its go, and ends by itself if whoever started it dies before: no process is left
    that nobody knows.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch(mode=0o600)
    offset = log.stat().st_size
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OWN_VARIABLES)}
    waiting, gate = os.pipe()
    pid = os.posix_spawn(
        SHELL,
        ("sh", "-c", WAIT_FOR_GO, "sh", *service.command),
        {**inherited, **service.environment},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, waiting, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    os.close(waiting)
    found = _look_up(pid)
    birth = found.birth if found else ""
    record = ProcessRecord(pid=pid, birth=birth, fingerprint=service.fingerprint)
    return Started(service, record, log, offset, gate)


def is_alive(record: ProcessRecord) -> bool:
    """Return whether the process that was started still runs; another under its pid is not it."""
    found = _look_up(record.pid)
    return found is not None and found.runs and found.birth == record.birth


def await_ready(started: Collection[Started]) -> None:
    """Return when all are ready.

    Raises:
        ProcessFailed: one ended, or was not ready in time; the message holds its last words.
    """
    pending = list(started)
    deadline = time.monotonic() + READY_SECONDS
    while pending:
        pending = [each for each in pending if not _is_ready(each)]
        for each in pending:
            if not is_alive(each.record):
                raise _failure(each, "ended while starting")
        if pending and time.monotonic() > deadline:
            raise _failure(pending[0], f"was not ready after {READY_SECONDS:g} s")
        if pending:
            time.sleep(POLL_SECONDS)


def stop(records: Collection[ProcessRecord]) -> None:
    """End processes and everything in their sessions: by request, after a while by force."""
    for record in records:
        if is_alive(record):
            with suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGTERM)
    _await(lambda: not any(is_alive(record) for record in records))
    killed = {record.pid for record in records if _kill_session(record)}
    # Their children too: a port is free only when the last of them is gone.
    _await(lambda: killed.isdisjoint(_live_sessions()))


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _kill_session(record: ProcessRecord) -> bool:
    """Kill what is left of a process's session; return whether there was anything of it."""
    found = _look_up(record.pid)
    if found is not None and found.birth != record.birth:
        return False  # a stranger: while a session has members, its leader's pid is not used again
    try:
        os.killpg(record.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@dataclass(frozen=True)
class _Found:
    """A process as the kernel knows it. birth: when it was started, in ticks since the boot."""

    runs: bool
    session: int
    birth: str


def _look_up(pid: int) -> _Found | None:
    """Return the process of a pid, None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may hold anything; fields 3, 6 and 22 follow it.
    fields = text.rpartition(")")[2].split()
    return _Found(fields[0] not in "ZX", int(fields[3]), fields[19])


def _live_sessions() -> set[int]:
    """Return the sessions in which some process runs."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {found.session for pid in pids if (found := _look_up(pid)) is not None and found.runs}


def _is_ready(started: Started) -> bool:
    if started.service.ready == "announced":
        return any(line.startswith(READY_LINE) for line in started.words().splitlines())
    connection = http.client.HTTPConnection(LOOPBACK, started.service.port, timeout=ANSWER_SECONDS)
    try:
        # The functions framework answers this one itself: no function is called.
        connection.request("GET", "/robots.txt")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _failure(started: Started, what: str) -> ProcessFailed:
    words = started.words().decode(errors="replace").splitlines()[-LAST_WORDS:]
    name = started.service.name
    return ProcessFailed(
        "\n".join([f"{name} {what}; its last words, from {started.log}:", *words]),
        process=name,
        log=str(started.log),
        last_words=words,
    )
