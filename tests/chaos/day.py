"""One day of both example clients on a local cloud of real processes, some of which are killed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from chaos.command import Command
from chaos.ending import Ending, faults_of
from chaos.kills import CLIENTS, CUT_OFFS, After, AtCutOff, ChaosPlan, Kill, OnEvent
from chaos.victims import belonging_to, kill_child, kill_each, kill_leader, kill_tree
from chaos.watch import Watch, await_that
from local_cloud import COMMAND_SECONDS, EXAMPLES, LocalCloud

NOW = "2026-11-24T10:30+01:00"
DAY = date(2026, 11, 25)

HEALING_SECONDS = 240.0
"""Longer than the lease of a killed holder and the waits of a message that meets it."""

CUT_OFF_SECONDS = 10.0


@dataclass(frozen=True)
class DayReport:
    """How a chaos run ended.

    needed_cut_offs: whether all was up for long and a run still went on until the clock was moved
    over its cut-offs. digests: of complete bids, by client and price area.
    """

    plan: ChaosPlan
    kills: tuple[str, ...]
    outcomes: dict[str, str]
    exits: dict[str, list[int]]
    needed_cut_offs: bool
    digests: dict[str, str]
    seconds: float
    faults: tuple[str, ...]


class ChaosDay:
    """The day under a plan, in a folder of its own. say: told what happens, as it happens."""

    def __init__(self, plan: ChaosPlan, folder: Path, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._cloud = LocalCloud(folder / "data", EXAMPLES, {"HYDROBID_SCHEDULE": "1"})
        self._began = time.monotonic()
        self._tell = say
        self._rng = random.Random(plan.seed)
        self._commands: dict[str, Command] = {}
        self._kills: list[str] = []
        self._needed_cut_offs = False
        self._faults: list[str] = []
        self._endings: list[Ending] = []

    def live(self) -> DayReport:
        """Return how the day ended; nothing of its cloud runs any more."""
        try:
            self._live_to_the_end()
        except Exception as error:
            self._faults.append(f"the day could not go on: {error!r}")
        finally:
            self._end_everything()
        return DayReport(
            plan=self._plan,
            kills=tuple(self._kills),
            outcomes={ending.client: ending.outcome for ending in self._endings},
            exits={client: command.exits for client, command in self._commands.items()},
            needed_cut_offs=self._needed_cut_offs,
            digests={
                f"{ending.client} {order.price_area}": order.digest
                for ending in self._endings
                if ending.outcome == "COMPLETE"
                for order in ending.orders
            },
            seconds=round(time.monotonic() - self._began, 1),
            faults=tuple(self._faults),
        )

    def _say(self, words: str) -> None:
        self._tell(f"{time.monotonic() - self._began:6.1f} s  {words}")

    def _live_to_the_end(self) -> None:
        if self._plan.first_up_killed:
            self._say("up is killed at its first start of a process")
            self._kill_up(0.0, "--now", NOW)
            self._cloud("down")  # market time is not set back while some of it runs
        self._cloud("up", "--now", NOW)
        self._watch = Watch(self._cloud, DAY)
        self._last_up = time.monotonic()
        for client in CLIENTS:
            self._commands[client] = Command(self._cloud, client, DAY.isoformat(), self._say)
        for kill in self._plan.kills:
            if not isinstance(kill.moment, AtCutOff):
                self._await_moment(kill.moment)
                self._strike(kill)
        if not await_that(self._commands_are_over, HEALING_SECONDS):
            self._say("the runs go on; to the cut-offs")
            self._needed_cut_offs = True
        asked = {c: bool(self._watch.executions(c, "daily-bid")) for c in CLIENTS}
        repeated = self._repeat_if_settled()
        for cut_off in CUT_OFFS[:-1]:
            self._pass(cut_off)
            patience = HEALING_SECONDS if cut_off == "submission" else CUT_OFF_SECONDS
            await_that(self._all_settled, patience)
        if not repeated and not self._repeat_if_settled():
            self._faults.append("before the gate, not every run has come to its end")
        self._pass("gate")
        if not await_that(lambda: all(map(self._watch.is_over, CLIENTS)), HEALING_SECONDS):
            self._faults.append("after the gate, an order is not closed or an execution goes on")
        if not await_that(lambda: self._are_over(attended=False), CUT_OFF_SECONDS):
            self._faults.append("a command goes on though its run is over")
        self._endings = self._read_endings(asked)
        self._faults += [fault for ending in self._endings for fault in faults_of(ending)]

    def _end_everything(self) -> None:
        for command in self._commands.values():
            command.kill()
        self._cloud("down", exit_code=None)
        left = belonging_to(self._cloud.data_dir)
        kill_each(left)
        self._faults += [f"left behind after `down`: {process}" for process in left]

    def _await_moment(self, moment: After | OnEvent) -> None:
        """Wait for a moment; one that does not come ends with the runs."""

        def has_come() -> bool:
            if isinstance(moment, After):
                return time.monotonic() >= self._last_up + moment.seconds
            return self._watch.has_event(moment.client, moment.type)

        await_that(lambda: has_come() or self._commands_are_over(), HEALING_SECONDS)

    def _strike(self, kill: Kill) -> None:
        """Kill, pause, and bring everything up again, as whoever supervises it would."""
        victims = self._kill(kill)
        self._kills.append(f"{time.monotonic() - self._began:.1f} s: {kill}")
        self._say(f"killed {kill}: {' '.join(victims) or 'nobody'}")
        time.sleep(kill.pause)
        if kill.restart_killed is not None:
            self._kill_up(kill.restart_killed)
        self._cloud("up")
        self._last_up = time.monotonic()
        self._say("up again")

    def _kill(self, kill: Kill) -> list[str]:
        """Kill, and return the pids of those killed."""
        victim = kill.victim
        if victim.kind == "command":
            return [str(self._commands[victim.name].kill())]
        pids = self._watch.pids()
        if victim.kind == "everything":
            killed = [process for pid in pids.values() for process in kill_tree(pid)]
        elif victim.scope == "child":
            killed = kill_child(pids[victim.name], self._rng)
        elif victim.scope == "leader":
            killed = kill_leader(pids[victim.name])
        else:
            killed = kill_tree(pids[victim.name])
        return [str(process.pid) for process in killed]

    def _kill_up(self, seconds: float, *options: str) -> None:
        """Call `up` and kill it some seconds after it has started its first process."""
        before = {process.pid for process in belonging_to(self._cloud.data_dir)}
        up = self._cloud.start("up", *options)

        def ended() -> bool:
            return up.poll() is not None

        def has_started_one() -> bool:
            known = belonging_to(self._cloud.data_dir)
            return any(p.pid == p.session and p.pid not in before for p in known)

        await_that(lambda: ended() or has_started_one(), COMMAND_SECONDS, rest=0)
        await_that(ended, seconds)
        up.kill()
        up.communicate()

    def _commands_are_over(self) -> bool:
        return self._are_over(attended=self._plan.attended)

    def _are_over(self, *, attended: bool) -> bool:
        # Each is asked: one that goes on does not hide that another has failed.
        over = [command.is_over(attended=attended) for command in self._commands.values()]
        return all(over)

    def _all_settled(self) -> bool:
        return all(map(self._watch.is_settled, CLIENTS))

    def _pass(self, cut_off: str) -> None:
        """Move the clock a second over a cut-off of both clients, and kill who is to die there."""
        self._say(f"to the {cut_off} cut-off" if cut_off != "gate" else "to the gate")
        cut_offs = [c.cut_offs_of(DAY) for c in self._watch.configurations.values()]
        at = max(getattr(each, cut_off) for each in cut_offs)
        self._watch.advance_clock_past(at)
        for kill in self._plan.kills:
            if kill.moment == AtCutOff(cut_off):
                self._strike(kill)

    def _repeat_if_settled(self) -> bool:
        """Return whether all has come to its end; run again what is complete: this changes nothing.

        What is not complete is let alone: to run it again solves what is missing.
        """
        if not await_that(self._all_settled, CUT_OFF_SECONDS):
            return False
        clients = [client for client in CLIENTS if self._watch.is_complete(client)]
        before = [self._watch.content(client) for client in clients]
        words = [("run", client, "--date", DAY.isoformat(), "--json") for client in clients]
        answers = self._answers(words)
        after = [self._watch.content(client) for client in clients]
        for client, (code, printed) in zip(clients, answers, strict=True):
            if code != 0 or json.loads(printed)["new"]:
                self._faults.append(f"{client}: the same again ended with {code}: {printed[-500:]}")
        if before != after:
            self._faults.append(f"the same again changed {before} to {after}")
        return True

    def _read_endings(self, asked: dict[str, bool]) -> list[Ending]:
        planned = [client for client in CLIENTS if self._watch.revisions(client)]
        names = [(what, client) for client in planned for what in ("show", "events")]
        words = [
            (what, str(self._watch.run), "--client", client, "--json") for what, client in names
        ]
        told = {
            name: json.loads(printed)
            for name, (_, printed) in zip(names, self._answers(words), strict=True)
        }
        return [
            Ending(
                client=client,
                asked=asked[client],
                areas=frozenset(
                    str(asset.price_area) for asset in self._watch.configurations[client].assets
                ),
                orders=self._watch.orders(client),
                shown=told.get(("show", client)),
                revisions=self._watch.revisions(client),
                trail=told.get(("events", client), {}),
                executions=self._watch.executions(client),
                alerts=self._watch.alerts(client),
            )
            for client in CLIENTS
        ]

    def _answers(self, commands: Sequence[tuple[str, ...]]) -> list[tuple[int, str]]:
        """Run commands side by side and return the exit code and the output of each."""
        started = [self._cloud.start(*words) for words in commands]
        printed = [process.communicate(timeout=COMMAND_SECONDS)[0] for process in started]
        return [(p.returncode, text) for p, text in zip(started, printed, strict=True)]
