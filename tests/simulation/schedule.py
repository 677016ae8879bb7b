"""One schedule: a market day of the tiny client, under one seed.

Of two kinds: a whole day, from its inputs to after the gate, or its submission alone, whose bids come
ready (`submission.py`). All that acts on a bid, and every rule, is the same in both.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from simulation import client, submission
from simulation.bus import Bus
from simulation.desk import Desk
from simulation.ending import Ending, ending_violations, settled_content
from simulation.evening import Evening
from simulation.faults import Faults
from simulation.functions import Functions
from simulation.history import History
from simulation.kernel import Choices, Ended, Kernel
from simulation.people import People
from simulation.ports import (
    SimulatedCallbacks,
    SimulatedClock,
    SimulatedDocuments,
    SimulatedExchange,
    SimulatedMessages,
    SimulatedNotifier,
    SimulatedSolver,
    WitnessedDocuments,
    World,
)
from simulation.shortcuts import shortcuts
from simulation.workflows import Workflows
from simulation.yesterday import SHARE as YESTERDAYS_SHARE
from simulation.yesterday import let_stand

from hydrobid.adapters.memory import MemoryDocuments, MemoryExchange
from hydrobid.domain.errors import GateClosed, HydrobidError
from hydrobid.domain.messages import AssetBid, AssetSettled
from hydrobid.pipeline.ports import Document

LEADS = (150, 45, 33, 20, 8, 4)
"""Minutes before the gate at which the day begins: before and after each cut-off."""
SHAPES = ("one asset", "one asset", "two assets", "two areas")
SCALES = (0.05, 0.5, 2.0, 5.0)
GUARDED = range(-8, 9)
"""Minutes around the gate at which the guard's tick comes; no others would find anything to do."""
REVISIONS = (0, 0, 1, 2, 3)
GAPS = (120, 600, 3600)
"""Seconds within which further inputs come: while the first are sent, solved, or long done."""
PEOPLE_ASKED = 0.5
"""The share of schedules in which people approve bids."""
LAST = timedelta(hours=6)
NO_WATER_VALUES = 0.2
"""The share of schedules whose assets have no bid where nothing is solved and nothing stood before."""
SETTLED = 0.3
"""The share of runs of further inputs that leave the work to an execution which is at it."""
PUBLISH_ATTEMPTS = 99
AGAIN = 0.2
"""The share of schedules that are run a second time, which costs as much as the first."""


@dataclass(frozen=True)
class Report:
    """What a schedule came to. violation: the first broken rule, None where all held.

    alone: whether it was of submission alone. faults: what struck, in that order. trace: time in Unix seconds, task, and what happened.
    """

    seed: int
    violation: str | None
    steps: int
    faults: tuple[str, ...]
    trace: tuple[tuple[float, str, str], ...]
    alone: bool = False

    @property
    def trace_hash(self) -> str:
        """A digest of everything that happened."""
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()

    @property
    def gate(self) -> float:
        """The gate's closure in Unix seconds."""
        return client.GATE.timestamp()

    @property
    def fault_kinds(self) -> Counter[str]:
        """How many faults of each kind struck."""
        return Counter(name.partition(" @ ")[0] for name in self.faults)


def run_schedule(seed: int, only: Collection[str] | None = None, *, alone: bool = False) -> Report:
    """Run the schedule of a seed, with all its faults or only those that are named.

    alone: of submission alone.
    """
    with shortcuts():
        day = (_Submission if alone else _Day)(seed, only)
        try:
            day.play()
        finally:
            day.close()
    kernel = day.world.kernel
    return Report(
        seed,
        day.history.violation,
        kernel.steps,
        tuple(day.world.faults.struck),
        tuple(kernel.trace),
        alone,
    )


class _Day:
    """The world of one schedule, and what happens to it from outside."""

    leads: tuple[int, ...] = LEADS
    guarded: Sequence[int] = GUARDED
    shapes, revisions, again = SHAPES, REVISIONS, AGAIN
    solves = True

    def __init__(self, seed: int, only: Collection[str] | None) -> None:
        choices = Choices(seed)
        self.lead = choices.pick(self.leads, "lead")
        kernel = Kernel(client.GATE - timedelta(minutes=self.lead), choices)
        self.world = World(
            kernel, choices, Faults(choices, only), choices.pick(SCALES, "scale of waits")
        )
        self.documents = MemoryDocuments()
        self.history = History(kernel, self.documents, solves=self.solves)
        self.inputs = client.Inputs(
            choices.pick(self.shapes, "shape"),
            self._policy(),
            choices.pick(client.METHODS, "methods"),
            choices.unit("no water values") >= NO_WATER_VALUES,
        )
        self.history.approvals.policy = self.inputs.approval
        self.clock = clock = SimulatedClock(kernel)
        self.exchange = MemoryExchange(clock)
        self.port = SimulatedExchange(self.world, self.exchange, self.history)
        self.bus = Bus(self.world, self._handle)
        self.workflows = Workflows(self.world, self._http, self.bus.publish)
        self.notifier = SimulatedNotifier(self.world)
        self.functions = Functions(
            documents=SimulatedDocuments(self.world, self.documents, self.history),
            clock=clock,
            messages=SimulatedMessages(self.world, self.bus.publish),
            exchange=self.port,
            callbacks=SimulatedCallbacks(self.world, self.workflows.receive),
            notifier=self.notifier,
            solver=SimulatedSolver(
                self.world,
                client.solver(self._infeasible),
                client.joint_solver(self._infeasible),
            ),
        )
        self.evening = self._evening()
        stood = choices.unit("yesterday") < YESTERDAYS_SHARE
        if stood and self.world.faults.happens("yesterday @ day"):
            given = (self.documents, clock, client.MARKET, self.inputs.areas)
            self.history.approvals.yesterdays = let_stand(*given)

    def play(self) -> None:
        """Let the day happen, then judge how it ended."""
        kernel, choices = self.world.kernel, self.world.choices
        gate = client.GATE.timestamp()
        self._bids_come()
        if self.evening is not None:
            self.evening.begin(self.bus)
        for minute in self.guarded:
            if minute >= -self.lead:
                kernel.at(gate + 60 * minute, partial(self._guard, minute))
        Desk(self.world, self.functions, self.history, self.inputs.areas).begin()
        People(self.world, self.functions, self.history, self.inputs).begin()
        early = kernel.now - gate if choices.unit("quiet early") < 0.3 else -600
        quiet = gate + choices.between(early, 60, "quiet")
        kernel.at(quiet, self._calm)
        kernel.run(gate + LAST.total_seconds())
        if kernel.endless:
            self.history.break_off(f"no end after {kernel.steps} steps")
        if self.history.violation is None:
            self._judge(quiet)

    def _bids_come(self) -> None:
        """Have the first inputs published and run, and further ones after them."""
        self._publish(1, lambda: self._daily_run("scheduled"))
        for number, edition, when in self._further_inputs():
            self.world.kernel.at(when, partial(self._new_inputs, edition, number))

    def _further_inputs(self) -> Iterator[tuple[int, int, float]]:
        """Yield number, edition and time of the inputs that come after the first."""
        choices, when = self.world.choices, self.world.kernel.now
        for number in range(2, 2 + choices.pick(self.revisions, "revisions")):
            when += choices.pick(GAPS, f"gap before {number}") * choices.unit(f"wait for {number}")
            edition = choices.pick((1, 2, 3), f"edition {number}")
            if self.world.faults.happens(f"new-inputs @ {number}"):
                yield number, edition, min(when, client.GATE.timestamp() + 60)

    def _evening(self) -> Evening | None:
        given = (self.exchange, client.MARKET, self.inputs.areas)
        return Evening.drawn(self.world, *given)

    def _policy(self) -> int | None:
        """Return which policy of approval by people the client has, None for approval by rule."""
        choices = self.world.choices
        policy = choices.pick(range(len(client.POLICIES)), "policy")
        if choices.unit("people are asked") >= PEOPLE_ASKED:
            return None
        return policy if self.world.faults.happens(f"approval by people @ {policy}") else None

    def close(self) -> None:
        """Unwind what is still running."""
        self.world.kernel.stop()
        self.world.kernel.close()
        self.workflows.close()

    def _calm(self) -> None:
        self.world.faults.quiet = True
        self.world.kernel.note("faults stop")

    def _judge(self, quiet: float) -> None:
        ending = Ending(
            documents=self.documents,
            exchange=self.exchange,
            refused=frozenset(self.port.refused),
            told=frozenset(self.notifier.told),
            history=self.history,
            bus=self.bus,
            workflows=self.workflows,
            inputs=self.inputs,
            quiet=quiet,
            evening=self.evening,
        )
        for violation in ending_violations(ending):
            self.history.break_off(violation)
        if (
            self.history.violation is None
            and not self.bus.dead_letters
            and self.world.choices.unit("again") < self.again
        ):
            self._run_again(ending)

    def _run_again(self, ending: Ending) -> None:
        """Deliver every message again, out of order, and run the day again: nothing may change."""
        before = settled_content(ending)
        kernel, choices = self.world.kernel, self.world.choices
        messages = {json.dumps(message): message for message in self.bus.published}
        for name, message in messages.items():
            kernel.after(
                choices.between(0, 5, f"again {name}"), partial(self.bus.publish, *message)
            )
        self._daily_run("again")
        kernel.run(kernel.now + LAST.total_seconds())
        after = settled_content(ending)
        changed = [path for path in before | after if before.get(path) != after.get(path)]
        if changed:
            self.history.break_off(f"running again changed {changed}")

    def _new_inputs(self, edition: int, number: int) -> None:
        self._publish(edition, lambda: self._daily_run(f"inputs-{number}"), number=number)

    def _publish(
        self, edition: int, then: Callable[[], Any], number: int = 1, attempt: int = 1
    ) -> None:
        """Publish inputs, again until it works."""

        def ended(how: Ended) -> None:
            if how.error is None and not how.crashed:
                then()
            elif attempt < PUBLISH_ATTEMPTS:
                self.world.kernel.after(
                    5, lambda: self._publish(edition, then, number, attempt + 1)
                )

        self.world.kernel.spawn(
            f"operator publishes {number}/{attempt}",
            lambda: self.functions.publish(self.inputs.edition(edition)),
            ended,
        )

    def _daily_run(self, name: str) -> None:
        """Start the daily bid, as the scheduler does: now and then twice or not at all."""
        settle = "inputs" in name and self.world.choices.unit(f"settle {name}") < SETTLED
        argument = {"client": client.CLIENT, "day": client.DAY.isoformat(), "settle": settle}
        if self.world.faults.strikes("tick-missed", name):
            return
        self.workflows.start("daily-bid", argument, f"daily-bid-{name}")
        if self.world.faults.strikes("tick-twice", name):
            self.workflows.start("daily-bid", argument, f"daily-bid-{name}-again")

    def _guard(self, minute: int) -> None:
        if self.world.faults.strikes("tick-missed", f"guard {minute}"):
            return
        self.bus.publish("cutoff-reached", {"client": client.CLIENT})
        if self.world.faults.strikes("tick-twice", f"guard {minute}"):
            self.bus.publish("cutoff-reached", {"client": client.CLIENT})

    def _handle(self, *message: Any) -> None:
        try:
            self.functions.handle(*message)
            self._check_told(message[0], message[1])
        except HydrobidError as error:
            if not error.retryable:
                self.history.break_off(f"{message[0]} was refused for good: {error!r}")
            raise
        except Exception as error:
            self.history.break_off(f"{message[0]} met {error!r}")
            raise

    def _check_told(self, topic: str, content: Document) -> None:
        """Whoever acknowledges that an asset has settled has told submission of its bid."""
        if topic == AssetSettled.topic:
            about = (content["run"], content["asset"])
            told = ((m["run"], m["asset"]) for t, m in self.bus.published if t == AssetBid.topic)
            if about not in told:
                self.history.break_off(f"{about} has settled and nobody was told")

    def _http(self, url: str, body: Any) -> tuple[int, Any]:
        try:
            status, answer = self.functions.http(url, body)
        except Exception as error:
            self.history.break_off(f"{url} met {error!r}")
            raise
        if 400 <= status < 500 and answer["code"] != GateClosed.code:
            self.history.break_off(f"{url} answered {status}: {answer}")
        return status, answer

    def _infeasible(self, watercourse: str, prices: bytes) -> bool:
        return self.world.faults.always("infeasible", f"{watercourse} {hash_of(prices)}")


class _Submission(_Day):
    """A day whose bids come ready: nothing is solved, and no workflow runs."""

    leads = submission.LEADS
    guarded = submission.GUARDED
    shapes, revisions, again = submission.SHAPES, submission.REVISIONS, 0.0
    solves = False

    def _bids_come(self) -> None:
        ready = submission.ReadyBids(
            self.world,
            WitnessedDocuments(self.documents, self.history),
            self.clock,
            self.bus,
            self.inputs,
        )
        ready.come(1, 1)
        for number, edition, when in self._further_inputs():
            self.world.kernel.at(when, partial(ready.come, number, edition))

    def _evening(self) -> Evening | None:
        return None


def hash_of(content: bytes) -> str:
    """Return a short name of content."""
    return hashlib.blake2b(content, digest_size=4).hexdigest()
