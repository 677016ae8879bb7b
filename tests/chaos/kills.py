"""What is killed in a chaos run, and when: all of it follows from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

CLIENTS = ("cascade-example", "sintef-example")
FUNCTIONS = ("dispatcher", "solver", "aggregator", "submission")
SERVICES = ("firestore", "pubsub", "workflows", "scheduler", "exchange")
CUT_OFFS = ("solve", "approval", "submission", "gate")
EVENTS = (
    "run-planned",
    "scenario-solved",
    "asset-complete",
    "area-validated",
    "order-wanted",
    "order-sending",
    "order-standing",
)
"""Types of events of a run that goes well, in their order."""

Scope = Literal["tree", "leader", "child"]
SCOPES: tuple[Scope, ...] = ("tree", "leader", "child")

RUN_SECONDS = 8.0
"""About what both runs take when nothing is killed."""

LONGEST_PAUSE = 8.0
RESTART_SECONDS = 5.0


@dataclass(frozen=True)
class After:
    """Some seconds after everything was last up."""

    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s after all was up"


@dataclass(frozen=True)
class OnEvent:
    """Right after a client's run has its first event of a type."""

    client: str
    type: str

    def __str__(self) -> str:
        return f"on {self.type} of {self.client}"


@dataclass(frozen=True)
class AtCutOff:
    """Right after the clock was moved over a cut-off of the day."""

    cut_off: str

    def __str__(self) -> str:
        return f"at the {self.cut_off} cut-off" if self.cut_off != "gate" else "at the gate"


@dataclass(frozen=True)
class Victim:
    """Who is killed. name: a process as `status` calls it, or the client whose command it is.

    scope: of a function, the whole tree of processes, its leader only, or one of the leader's
    descendants, which for a solver may be a worker with a task.
    """

    kind: Literal["function", "service", "command", "everything"]
    name: str
    scope: Scope = "tree"

    def __str__(self) -> str:
        if self.kind == "command":
            return f"run {self.name}"
        return self.name if self.scope == "tree" else f"{self.name} ({self.scope})"


@dataclass(frozen=True)
class Kill:
    """One kill and the restart after it.

    pause: seconds until `up`. restart_killed: seconds from the first process that this `up` starts
    to when it is killed itself, to be called again; None where it is left alone.
    """

    moment: After | OnEvent | AtCutOff
    victim: Victim
    pause: float
    restart_killed: float | None

    def __str__(self) -> str:
        told = f"{self.victim} {self.moment}, up after {self.pause:.1f} s"
        if self.restart_killed is None:
            return told
        return f"{told}, itself killed {self.restart_killed:.1f} s into its starts"


@dataclass(frozen=True)
class ChaosPlan:
    """A run's kills in order.

    attended: whether somebody types `run` again when it was killed or has failed. first_up_killed:
    whether the `up` that makes the cloud dies at its first start of a process and is called again.
    """

    seed: int
    attended: bool
    first_up_killed: bool
    kills: tuple[Kill, ...]


def plan_of(seed: int) -> ChaosPlan:
    """Return what is killed under a seed: one to three kills, in the order of their moments."""
    rng = random.Random(seed)
    attended = rng.random() < 0.5
    kills = [_kill(rng) for _ in range(rng.choice((1, 2, 2, 3)))]
    kills.sort(key=lambda kill: _order(kill.moment))
    return ChaosPlan(seed, attended, rng.random() < 0.1, tuple(kills))


def _kill(rng: random.Random) -> Kill:
    moment = _moment(rng)
    near = (moment.client,) if isinstance(moment, OnEvent) else CLIENTS
    return Kill(
        moment,
        _victim(rng, near),
        pause=rng.uniform(0, LONGEST_PAUSE),
        restart_killed=rng.choice((0.0, rng.uniform(0, RESTART_SECONDS)))
        if rng.random() < 0.15
        else None,
    )


def _moment(rng: random.Random) -> After | OnEvent | AtCutOff:
    match rng.choices(("after", "event", "cut-off"), weights=(40, 40, 20))[0]:
        case "after":
            return After(rng.uniform(0, RUN_SECONDS))
        case "event":
            return OnEvent(rng.choice(CLIENTS), rng.choice(EVENTS))
        case _:
            return AtCutOff(rng.choice(CUT_OFFS))


def _victim(rng: random.Random, clients: tuple[str, ...]) -> Victim:
    """Return a victim among the services and what belongs to the given clients."""
    kinds = ("function", "service", "command", "everything")
    match rng.choices(kinds, weights=(45, 35, 12, 8))[0]:
        case "function":
            name = f"{rng.choice(clients)}-{rng.choice(FUNCTIONS)}"
            return Victim("function", name, rng.choices(SCOPES, weights=(60, 20, 20))[0])
        case "service":
            return Victim("service", rng.choice(SERVICES))
        case "command":
            return Victim("command", rng.choice(clients))
        case _:
            return Victim("everything", "everything")


def _order(moment: After | OnEvent | AtCutOff) -> float:
    """Return about how many seconds into the day a moment comes."""
    match moment:
        case After(seconds):
            return seconds
        case OnEvent(_, event_type):
            return RUN_SECONDS * (EVENTS.index(event_type) + 1) / (len(EVENTS) + 1)
        case AtCutOff(cut_off):
            return RUN_SECONDS * (2 + CUT_OFFS.index(cut_off))
