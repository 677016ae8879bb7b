"""A subscription at work: leases, redelivery, dead letters; every delivery leaves through here."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from emulators.pubsub.backlog import Backlog, Entry, Room
from emulators.pubsub.delivery import Consumer, Delivery, Runtime
from emulators.pubsub.errors import (
    Refusal,
    failed_precondition,
    invalid,
    not_found,
    unavailable,
)
from emulators.pubsub.messages import Message, dead_letter_copy
from emulators.pubsub.settings import settings_of
from emulators.pubsub.store import Debt


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
        # Acknowledged messages that a seek may bring back, the longest acknowledged first.
        self._kept: dict[int, Message] = {}
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
        for timer in self._resting.values():
            timer.cancel()

    # Intake

    def wants(self, message: Message) -> bool:
        """Return whether the message is for this subscription."""
        accepts = self.settings.accepts
        return not self.settings.detached and (accepts is None or accepts(message.body.attributes))

    def add(self, message: Message) -> None:
        """Owe a message that the store already has."""
        self._backlog.add(message)
        self._runtime.touch(self)

    def restore(self, message: Message, debt: Debt) -> None:
        """Take back what the store says of a message."""
        if debt.acknowledged:
            self._kept[message.id] = message
        else:
            self._backlog.add(message, debt.attempts)
            self._runtime.touch(self)

    # Replay

    def unacknowledged(self) -> frozenset[int]:
        """Return the ids of the messages that are owed."""
        return frozenset(entry.message.id for entry in self._backlog)

    def seek(self, owed: Callable[[Message], bool]) -> None:
        """Acknowledge what `owed` denies and owe what it claims, of all that is still here.

        What is out on a lease is delivered anew: an acknowledgement from before the seek is late.
        """
        self.prune()
        for entry in list(self._backlog):
            delivery = self._leases.get(entry.ack_id)
            if delivery is not None:
                self._end(delivery)
            if not owed(entry.message):
                self._stop_resting(entry)
                self._settle(entry, keep=True)
            elif delivery is not None:
                self._backlog.give_back(entry)
                self._runtime.touch(self)
        for message in sorted(self._kept.values(), key=lambda one: one.id):
            if owed(message):
                del self._kept[message.id]
                self._runtime.store.owe_again(self.key, message.id)
                self.add(message)

    def prune(self) -> None:
        """Forget acknowledged messages that nothing can bring back any more."""
        horizon = time.time() - self.settings.retention if self._keeps() else float("inf")
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if oldest.stored_at >= horizon:
                return
            del self._kept[oldest.id]
            self._runtime.store.settle(self.key, oldest.id)

    def _keeps(self) -> bool:
        return self.settings.retain_acked or self._runtime.snapshotted(self.resource.topic)

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
            elif (delivery := self._send(entry, consumer)) is not None:
                deliveries.append(delivery)
        return deliveries

    def _send(self, entry: Entry, consumer: Consumer) -> Delivery | None:
        """Return what the consumer gets of a message, None when it is kept from it."""
        return self._lend(entry, consumer)

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
                self._acknowledged(delivery)
        self.prune()
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

    def _acknowledged(self, delivery: Delivery) -> None:
        self._settle(delivery.entry, keep=True)

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

    def _settle(self, entry: Entry, *, keep: bool = False) -> None:
        """Owe a message no more; with `keep`, a seek may find it again where one can."""
        message = entry.message
        self._backlog.settle(entry)
        if keep and self._keeps():
            self._kept[message.id] = message
            self._runtime.store.keep(self.key, message.id)
        else:
            self._runtime.store.settle(self.key, message.id)
        self._runtime.touch(self)

    def _dismiss(self, refusal: Refusal) -> None:
        consumers, self._consumers = self._consumers, deque()
        for consumer in consumers:
            consumer.closed(refusal)

    def _purge(self) -> None:
        for delivery in list(self._leases.values()):
            self._end(delivery)
        for entry in list(self._backlog):
            self._stop_resting(entry)
            self._settle(entry)
        for message_id in self._kept:
            self._runtime.store.settle(self.key, message_id)
        self._kept.clear()

    def _stop_resting(self, entry: Entry) -> None:
        if timer := self._resting.get(entry):
            timer.cancel()
            self._wake(entry)
