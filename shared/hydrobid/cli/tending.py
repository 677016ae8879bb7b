"""While days are followed on which something was broken: the dead are revived, and time passes.

It stands in for what supervises processes in a cloud, and for the hours of a market morning.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from hydrobid.cli.exits import ExitCode
from hydrobid.cli.injected_day import FollowedDay
from hydrobid.cli.injections import Injection
from hydrobid.cli.output import say
from hydrobid.domain.identifiers import ClientId
from hydrobid.local_cloud.clock import market_now, set_market_time
from hydrobid.local_cloud.errors import ProcessFailed
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.lifecycle import look
from hydrobid.local_cloud.state import require_state
from hydrobid.pipeline.guard_gate import LAST_LOOK

TEND_SECONDS = 0.25
UP_SECONDS = 30.0
MINUTE = timedelta(minutes=1)


@contextmanager
def tended(
    folder: DataFolder, clients_dir: Path, days: Sequence[FollowedDay], injection: Injection
) -> Iterator[None]:
    """Bring dead processes up again and let market time pass, while the days are followed."""
    tender = _Tender(folder, clients_dir, days, injection)
    done = Event()
    # A look waits as long as a dead service does not answer: whoever revives it must not.
    with ThreadPoolExecutor(1) as thread:
        tending = thread.submit(tender.tend, done)
        try:
            yield
        finally:
            done.set()
    tending.result()


@dataclass(frozen=True, order=True)
class Station:
    """An instant to which market time goes when nothing moves any more; local time."""

    at: datetime
    name: str


def stations_of(days: Sequence[FollowedDay]) -> list[Station]:
    """Return the cut-offs of all days, then each minute of the guard, in order."""
    found = set()
    for day in days:
        zone = day.configuration.market.zone
        cut_offs = day.configuration.cut_offs_of(day.day)
        instants = {
            cut_offs.solve: "the solve cut-off",
            cut_offs.approval: "the approval cut-off",
            cut_offs.submission: "the submission cut-off, from which on the guard looks",
            cut_offs.gate: "gate closure",
        }
        at = cut_offs.submission + MINUTE
        while at < cut_offs.gate + LAST_LOOK:
            instants.setdefault(at, "another look of the guard")
            at += MINUTE
        found |= {Station(at.astimezone(zone), name) for at, name in instants.items()}
    return sorted(found)


class _Tender:
    """Who stands in for a supervisor of processes, and for the hours of a market morning."""

    def __init__(
        self,
        folder: DataFolder,
        clients_dir: Path,
        days: Sequence[FollowedDay],
        injection: Injection,
    ) -> None:
        self._folder, self._clients_dir = folder, clients_dir
        self._days, self._injection = days, injection
        self._stations = stations_of(days)
        self._told: set[ClientId] = set()

    def tend(self, done: Event) -> None:
        """Act until `done`, or until no time is left for anything to move in."""
        since = time.monotonic()
        try:
            while not done.wait(TEND_SECONDS):
                self._tell_failures()
                if dead := self._dead():
                    say(f"{', '.join(dead)} died and is brought up again.", "yellow")
                    self._bring_up(done)
                    since = time.monotonic()
                elif all(day.ended is not None or day.is_still(since) for day in self._days):
                    if not self._move_on():
                        return
                    since = time.monotonic()
        finally:
            for day in self._days:
                day.given_up = True

    def _tell_failures(self) -> None:
        for day in self._days:
            client = day.configuration.client
            if day.failed is not None and client not in self._told:
                self._told.add(client)
                say(f"{client}: the daily bid's execution is {day.failed}.", "yellow")

    def _dead(self) -> list[str]:
        state = require_state(self._folder)
        return [process.name for process in look(self._folder, state) if not process.alive]

    def _bring_up(self, done: Event) -> None:
        """Have what has died started by a command of its own, which can be ended at any moment.

        Raises:
            ProcessFailed: the command failed.
        """
        command = [
            *(sys.executable, "-m", "hydrobid.cli", "up", "--schedule"),
            *("--data-dir", str(self._folder.root), "--clients-dir", str(self._clients_dir)),
        ]
        with subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            # It waits long for a service that dies anew meanwhile: the next one finds that dead.
            patience = time.monotonic() + UP_SECONDS
            while process.poll() is None:
                if done.wait(TEND_SECONDS) or time.monotonic() > patience:
                    process.terminate()
                    return
            if process.returncode != ExitCode.OK and process.stderr is not None:
                raise ProcessFailed(f"hydrobid up failed: {process.stderr.read()}")

    def _move_on(self) -> bool:
        """Move market time to the next station; return whether there was one."""
        while self._stations and self._stations[0].at <= market_now(self._folder.clock_file):
            self._stations.pop(0)
        if not self._stations:
            return False
        station = self._stations.pop(0)
        say(f"Nothing moves: market time goes to {station.at:%H:%M:%S}, {station.name}.", "cyan")
        set_market_time(self._folder.clock_file, station.at)
        if self._injection.over_at_gate and self._gates_closed(station.at):
            self._folder.faults_file.unlink(missing_ok=True)
        return True

    def _gates_closed(self, now: datetime) -> bool:
        return all(day.configuration.market.gate(day.day) <= now for day in self._days)
