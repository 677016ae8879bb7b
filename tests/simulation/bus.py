"""Pub/Sub: each message at least once, late, twice and out of order, until it is acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from simulation.kernel import Ended
from simulation.ports import World

from hydrobid.domain.errors import HydrobidError
from hydrobid.domain.messages import AssetSettled
from hydrobid.domain.stages import FIRST_BACKOFF, LONGEST_BACKOFF, Stage, Stages
from hydrobid.pipeline.ports import Document

STAGES = Stages()

Handle = Callable[[str, Document, datetime, str], object]


@dataclass
class Delivery:
    """One message on its way; its retries share it. calm: tries after faults had stopped."""

    name: str
    topic: str
    content: Document
    published: datetime
    attempts: int = 0
    calm: int = 0
    done: bool = False

    @property
    def stage(self) -> Stage:
        """The budget within which the message is delivered."""
        return STAGES.aggregate if self.topic == AssetSettled.topic else STAGES.submit


@dataclass(frozen=True)
class Lost:
    """A message that nobody will deliver again, and the error that it ended with."""

    delivery: Delivery
    error: str


class Bus:
    """Pushes each topic to its handler; an exception is a negative acknowledgement."""

    def __init__(self, world: World, handle: Handle) -> None:
        self._world, self._handle = world, handle
        self._counts: Counter[str] = Counter()
        self.outstanding: list[Delivery] = []
        self.dead_letters: list[Lost] = []
        self.published: list[tuple[str, Document]] = []

    def publish(self, topic: str, content: Document) -> None:
        """Take a message for delivery."""
        told = " ".join(short(value) for key, value in content.items() if key != "client")
        label = f"{topic}({told})"
        self._counts[label] += 1
        name = f"{label}:{self._counts[label]}"
        self._world.kernel.note(f"published {name}")
        self.published.append((topic, content))
        copies = 2 if self._world.faults.strikes("duplicate", name) else 1
        for copy in range(copies):
            delivery = Delivery(f"{name}{'b' * copy}", topic, content, self._world.kernel.instant())
            self.outstanding.append(delivery)
            self._after(self._delay(delivery), delivery)

    def _delay(self, delivery: Delivery) -> float:
        world, name = self._world, delivery.name
        if world.faults.strikes("delay", name):
            return world.choices.between(30, 900, f"delay {name}")
        return world.scale * world.choices.between(0.1, 10, f"deliver {name}")

    def _after(self, seconds: float, delivery: Delivery) -> None:
        self._world.kernel.after(seconds, lambda: self._push(delivery))

    def _push(self, delivery: Delivery) -> None:
        if delivery.done:
            return
        delivery.attempts += 1
        delivery.calm += self._world.faults.calm(delivery.name)
        attempt = delivery.attempts
        holder = f"{delivery.name}/{attempt}"
        world = self._world
        settled = False

        def ended(how: Ended) -> None:
            nonlocal settled
            if settled:
                return
            settled = True
            if how.error is None and not how.crashed:
                self._done(delivery)
            elif isinstance(how.error, HydrobidError) and not how.error.retryable:
                world.kernel.note(f"{holder} refused: {how.error!r}")
                self._done(delivery)
            else:
                self._again(delivery, repr(how.error))

        def expired() -> None:
            nonlocal settled
            if not settled:
                settled = True
                self._again(delivery, "not acknowledged in time")

        world.kernel.after(delivery.stage.timeout, expired)
        world.kernel.spawn(
            holder,
            lambda: self._handle(delivery.topic, delivery.content, delivery.published, holder),
            ended,
        )

    def _again(self, delivery: Delivery, error: str) -> None:
        if delivery.done:
            return
        if delivery.attempts >= delivery.stage.attempts:
            self._world.kernel.note(f"{delivery.name} is a dead letter: {error}")
            self.dead_letters.append(Lost(delivery, error))
            self._done(delivery)
            return
        self._world.kernel.note(f"{delivery.name} again: {error}")
        backoff = min(FIRST_BACKOFF * 2.0 ** (delivery.attempts - 1), LONGEST_BACKOFF)
        jitter = self._world.choices.between(1.0, 1.3, f"{delivery.name} {delivery.attempts}")
        self._after(backoff * jitter, delivery)

    def _done(self, delivery: Delivery) -> None:
        if not delivery.done:
            delivery.done = True
            self.outstanding.remove(delivery)


def short(value: object) -> str:
    """Return a value for names: of a run only its revision."""
    return str(value).rpartition("~")[2]
