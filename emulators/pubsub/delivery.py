"""What a subscription deals with: consumers, the leases they hold, and what all of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from emulators.faults.rules import Fault
from emulators.pubsub.backlog import Entry, Room
from emulators.pubsub.errors import Refusal
from emulators.pubsub.store import Store

if TYPE_CHECKING:
    from emulators.pubsub.subscription import Subscription


@dataclass(slots=True, eq=False)
class Delivery:
    """A lease: one message out with one consumer until its timer fires.

    `fault` is what an injected fault does to its acknowledgement.
    """

    ack_id: str
    entry: Entry
    consumer: Consumer
    timer: asyncio.TimerHandle
    attempt: int
    fault: Fault | None = None


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
    says whether it exists, `pusher` makes the consumer of a push subscription, `snapshotted` says
    whether a snapshot may bring back acknowledged messages of a topic.
    """

    loop: asyncio.AbstractEventLoop
    store: Store
    serials: Iterator[int]
    touch: Callable[[Subscription], None]
    forward: Callable[[str, Any], bool]
    pusher: Callable[[Subscription], Consumer]
    snapshotted: Callable[[str], bool]
