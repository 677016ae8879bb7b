"""A subscription at work: leases, redelivery, dead letters; every delivery leaves through here."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from emulators.pubsub.backlog import Backlog, Entry, Room
from emulators.pubsub.errors import (
    Refusal,
    failed_precondition,
    invalid,
    not_found,
    unavailable,
)
from emulators.pubsub.messages import Message, dead_letter_copy
from emulators.pubsub.settings import settings_of
from emulators.pubsub.store import Store


@dataclass(slots=True, eq=False)
class Delivery:
    """A lease: one message out with one consumer until its timer fires."""

    ack_id: str
    entry: Entry
    consumer: Consumer
    timer: asyncio.TimerHandle
    attempt: int


class Consumer(Protocol):
    """Whoever messages are leased to: a pull that waits, a stream, a push endpoint."""

    @property
    def lease_seconds(self) -> float:
        """How long a message may stay out before it is delivered again."""

    def room(self) -> Room:
        """Return what the consumer takes now."""

    def deliver(self, deliveries: list[Delivery], /) -> None:
        """Take the messages; called from the event loop, never with an empty list."""

    def released(self, delivery: Delivery, /) -> None:
        """Learn that a lease has ended, however it did."""

    def closed(self, refusal: Refusal, /) -> None:
        """Learn that the subscription delivers no more to this consumer."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What subscriptions share.

    `touch` has a subscription pumped after the next commit, `forward` publishes to a topic and
    says whether it exists, `pusher` makes the consumer of a push subscription.
    """

    loop: asyncio.AbstractEventLoop
    store: Store
    serials: Iterator[int]
    touch: Callable[[Subscription], None]
    forward: Callable[[str, Any], bool]
    pusher: Callable[[Subscription], Consumer]


class Subscription:
    """One subscription: its resource, its backlog, its leases and its consumers."""

    def __init__(self, key: int, resource: Any, runtime: Runtime) -> None:
        self.key = key
        self.resource = resource
        self.settings = settings_of(resource)
        self._runtime = runtime
        self._backlog = Backlog(ordered=self.settings.ordered)
        self._leases: dict[str, Delivery] = {}
        self._resting: dict[Entry, asyncio.TimerHandle] = {}
        self._consumers: deque[Consumer] = deque()
        if self.settings.push is not None:
            self._consumers.append(runtime.pusher(self))

    @property
    def name(self) -> str:
        return str(self.resource.name)

    def configure(self, resource: Any) -> None:
        """Go on under changed rules; streams end when the way of delivery changes."""
        before = self.settings
        self.resource = resource
        self.settings = settings_of(resource)
        if self.settings.push != before.push or self.settings.detached:
            self._dismiss(failed_precondition("The subscription's way of delivery has changed."))
            if self.settings.push is not None and not self.settings.detached:
                self._consumers.append(self._runtime.pusher(self))
        if self.settings.detached:
            self._purge()
        self._runtime.touch(self)

    def close(self) -> None:
        """Forget everything: the subscription is deleted."""
        self._dismiss(not_found(self.name))
        self._purge()

    def stop(self) -> None:
        """Deliver no more, forgetting nothing: the server stops."""
        self._dismiss(unavailable("The server is shutting down."))
        for delivery in self._leases.values():
            delivery.timer.cancel()
        self._stop_resting()

    # Intake

    def wants(self, message: Message) -> bool:
        """Return whether the message is for this subscription."""
        accepts = self.settings.accepts
        return not self.settings.detached and (accepts is None or accepts(message.body.attributes))

    def add(self, message: Message, attempts: int = 0) -> None:
        """Owe a message that the store already has."""
        self._backlog.add(message, attempts)
        self._runtime.touch(self)

    # Consumers

    def check_pullable(self) -> None:
        """Refuse what is pushed or detached."""
        if self.settings.detached:
            raise failed_precondition("The subscription is detached from its topic.")
        if self.settings.push is not None:
            raise failed_precondition("This method is not supported for this subscription type.")

    def join(self, consumer: Consumer) -> None:
        self._consumers.append(consumer)
        self._runtime.touch(self)

    def leave(self, consumer: Consumer) -> None:
        """Deliver no more to a consumer; its leases go on."""
        if consumer in self._consumers:
            self._consumers.remove(consumer)

    # Delivery

    def pump(self) -> None:
        """Lease what is ready to whoever has room, evenly."""
        while self._backlog.ready:
            open_consumers = [one for one in self._consumers if one.room().messages > 0]
            delivered = 0
            for place, consumer in enumerate(open_consumers):
                room = consumer.room()
                room.heads = -(-self._backlog.ready // (len(open_consumers) - place))
                if deliveries := self._lease(room, consumer):
                    consumer.deliver(deliveries)
                    delivered += len(deliveries)
            self._consumers.rotate(-1)
            if not delivered:
                return

    def _lease(self, room: Room, consumer: Consumer) -> list[Delivery]:
        horizon = time.time() - self.settings.retention
        deliveries = []
        for entry in self._backlog.take(room):
            if entry.message.stored_at < horizon:
                self._settle(entry)
            else:
                deliveries.append(self._lend(entry, consumer))
        return deliveries

    def _lend(self, entry: Entry, consumer: Consumer) -> Delivery:
        entry.attempts += 1
        if self.settings.dead_letter is not None:
            self._runtime.store.count_attempt(self.key, entry.message.id, entry.attempts)
        entry.ack_id = ack_id = f"{self.name}:{next(self._runtime.serials)}"
        timer = self._runtime.loop.call_later(consumer.lease_seconds, self._expire, ack_id)
        delivery = Delivery(ack_id, entry, consumer, timer, entry.attempts)
        self._leases[ack_id] = delivery
        return delivery

    # The end of a lease

    def acknowledge(self, ack_ids: Iterable[str]) -> list[str]:
        """Settle the leases and return the ids that name none any more.

        An id that this subscription never gave out is refused before anything is done.
        """
        live, stale = self._resolve(ack_ids)
        for delivery in live:
            # An id may be named twice in one request.
            if self._end(delivery):
                self._settle(delivery.entry)
        return stale

    def modify_deadline(self, ack_ids: Iterable[str], seconds: int) -> list[str]:
        """Let the leases end `seconds` from now, 0 gives back; return the ids that name none."""
        live, stale = self._resolve(ack_ids)
        for delivery in live:
            if seconds == 0:
                self._fail(delivery)
            else:
                delivery.timer.cancel()
                delivery.timer = self._runtime.loop.call_later(
                    seconds, self._expire, delivery.ack_id
                )
        return stale

    def _resolve(self, ack_ids: Iterable[str]) -> tuple[list[Delivery], list[str]]:
        live: list[Delivery] = []
        stale: list[str] = []
        for ack_id in ack_ids:
            delivery = self._leases.get(ack_id)
            if delivery is not None:
                live.append(delivery)
                continue
            owner, _, serial = ack_id.rpartition(":")
            if owner != self.name or not serial.isdecimal():
                raise invalid(
                    f"You have passed an invalid ack ID to the service (ack_id={ack_id})."
                )
            stale.append(ack_id)
        return live, stale

    def _expire(self, ack_id: str) -> None:
        if delivery := self._leases.get(ack_id):
            self._fail(delivery)

    def _fail(self, delivery: Delivery) -> None:
        """Give a message back: forward it when its attempts are used up, else deliver it again."""
        if not self._end(delivery):
            return
        entry = delivery.entry
        for follower in self._backlog.followers(entry):
            self._end(self._leases[follower.ack_id])
            self._backlog.give_back(follower)
        if not self._forwarded(entry):
            backoff = self.settings.backoff
            wait = backoff.after(entry.attempts) if backoff is not None else 0.0
            if wait > 0.0:
                self._backlog.rest(entry)
                self._resting[entry] = self._runtime.loop.call_later(wait, self._wake, entry)
            else:
                self._backlog.give_back(entry)
        self._runtime.touch(self)

    def _forwarded(self, entry: Entry) -> bool:
        policy = self.settings.dead_letter
        if policy is None or entry.attempts < policy.max_attempts:
            return False
        copy = dead_letter_copy(entry.message, self.name, entry.attempts)
        if not self._runtime.forward(policy.topic, copy):
            return False
        self._settle(entry)
        return True

    def _wake(self, entry: Entry) -> None:
        del self._resting[entry]
        self._backlog.wake(entry)
        self._runtime.touch(self)

    def _end(self, delivery: Delivery) -> bool:
        """Take a lease out of force; False when it was so already."""
        if self._leases.pop(delivery.ack_id, None) is None:
            return False
        delivery.timer.cancel()
        delivery.consumer.released(delivery)
        return True

    def _settle(self, entry: Entry) -> None:
        self._backlog.settle(entry)
        self._runtime.store.settle(self.key, entry.message.id)
        self._runtime.touch(self)

    def _dismiss(self, refusal: Refusal) -> None:
        consumers, self._consumers = self._consumers, deque()
        for consumer in consumers:
            consumer.closed(refusal)

    def _purge(self) -> None:
        for delivery in list(self._leases.values()):
            self._end(delivery)
        self._stop_resting()
        for entry in list(self._backlog):
            self._settle(entry)

    def _stop_resting(self) -> None:
        for entry, timer in self._resting.items():
            timer.cancel()
            self._backlog.wake(entry)
        self._resting.clear()
