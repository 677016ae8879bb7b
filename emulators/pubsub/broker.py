"""The registry of topics and subscriptions, publishing, and the tick that makes things durable.

All state belongs to one event loop. What changes it asks for a tick; the tick commits, answers
those that wait for the commit, and only then delivers: no consumer sees a message that a crash
could still undo, and everything that changed since the last tick shares one commit.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from emulators.clock import MarketClock
from emulators.faults.switch import Faults
from emulators.pubsub import names, resources
from emulators.pubsub.delivery import Consumer, Runtime
from emulators.pubsub.errors import (
    Refusal,
    already_exists,
    not_found,
    unavailable,
)
from emulators.pubsub.injected_subscription import InjectedSubscription
from emulators.pubsub.messages import Message, check_publishable
from emulators.pubsub.schemas import Schemas
from emulators.pubsub.snapshots import Snapshots
from emulators.pubsub.store import Store
from emulators.pubsub.subscription import Subscription


@dataclass(slots=True, eq=False)
class TopicState:
    """A topic's resource and the subscriptions that get its messages."""

    resource: Any
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


class Broker:
    """Topics, subscriptions and their messages, restored from the store.

    Publish times are the market clock's, since they are the times of the events that functions
    get; leases, backoff and retention follow real time.
    """

    def __init__(
        self,
        store: Store,
        clock: MarketClock,
        pusher: Callable[[Subscription], Consumer],
        faults: Faults | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._store = store
        self._clock = clock
        self._waiting: list[asyncio.Future[None]] = []
        self._touched: dict[int, Subscription] = {}
        self._tick_due = False
        self._failure: Refusal | None = None
        self._message_ids = itertools.count(store.first_free_id())
        self._runtime = Runtime(
            loop=self._loop,
            store=store,
            # Above those of earlier runs, so that an old ack id never names a new lease.
            serials=itertools.count(time.time_ns()),
            touch=self.touch,
            forward=self._forward,
            pusher=pusher,
            snapshotted=self._snapshotted,
        )
        self.snapshots = Snapshots(store)
        self.schemas = Schemas(store, clock)
        self._faults = faults or Faults()
        self._topics: dict[str, TopicState] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._restore()
        self._keys = itertools.count(
            1 + max((one.key for one in self._subscriptions.values()), default=0)
        )

    # Topics

    def topic(self, name: str) -> TopicState:
        """Return a topic, or refuse with INVALID_ARGUMENT or NOT_FOUND."""
        state = self._topics.get(names.check_topic(name))
        if state is None:
            raise not_found(name)
        return state

    def topics(self, project: str) -> list[Any]:
        """Return the Topic resources of `projects/P` by name."""
        prefix = f"{names.check_project(project)}/"
        return [
            state.resource
            for name, state in sorted(self._topics.items())
            if name.startswith(prefix)
        ]

    def create_topic(self, requested: Any) -> Any:
        resource = resources.new_topic(requested)
        if resource.name in self._topics:
            raise already_exists(resource.name)
        self._check_schema(resource)
        self._topics[resource.name] = TopicState(resource)
        self._store.put_topic(resource)
        return resource

    def update_topic(self, patch: Any, mask: Any) -> Any:
        state = self.topic(patch.name)
        resource = resources.updated_topic(state.resource, patch, mask)
        if resource.schema_settings != state.resource.schema_settings:
            self._check_schema(resource)
        state.resource = resource
        self._store.put_topic(resource)
        return resource

    def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay, with their messages and no topic."""
        state = self.topic(name)
        del self._topics[name]
        self._store.delete_topic(name)
        for subscription in state.subscriptions.values():
            subscription.resource.topic = names.DELETED_TOPIC
            self._store.put_subscription(subscription.key, subscription.resource)

    def delete_schema(self, name: str) -> None:
        """Delete a schema with its revisions; its topics stay, and let nothing in."""
        self.schemas.delete(name)
        for state in self._topics.values():
            if state.resource.schema_settings.schema == name:
                state.resource.schema_settings.schema = names.DELETED_SCHEMA
                self._store.put_topic(state.resource)

    def _check_schema(self, topic: Any) -> None:
        if topic.HasField("schema_settings"):
            self.schemas.check_settings(topic.schema_settings)

    # Subscriptions

    def subscription(self, name: str) -> Subscription:
        """Return a subscription, or refuse with INVALID_ARGUMENT or NOT_FOUND."""
        subscription = self._subscriptions.get(names.check_subscription(name))
        if subscription is None:
            raise not_found(name)
        return subscription

    def subscriptions(self, project: str) -> list[Any]:
        """Return the Subscription resources of `projects/P` by name."""
        prefix = f"{names.check_project(project)}/"
        return [
            one.resource
            for name, one in sorted(self._subscriptions.items())
            if name.startswith(prefix)
        ]

    def create_subscription(self, requested: Any) -> Any:
        """Return the new Subscription; it gets what is published from now on."""
        resource = resources.new_subscription(requested)
        if resource.name in self._subscriptions:
            raise already_exists(resource.name)
        topic = self.topic(resource.topic)
        self._check_dead_letter(resource)
        subscription = self._subscribed(next(self._keys), resource)
        self._subscriptions[resource.name] = subscription
        topic.subscriptions[resource.name] = subscription
        self._store.put_subscription(subscription.key, resource)
        return resource

    def _subscribed(self, key: int, resource: Any) -> Subscription:
        if self._faults.possible:
            return InjectedSubscription(key, resource, self._runtime, self._faults)
        return Subscription(key, resource, self._runtime)

    def update_subscription(self, patch: Any, mask: Any) -> Any:
        subscription = self.subscription(patch.name)
        resource = resources.updated_subscription(subscription.resource, patch, mask)
        self._check_dead_letter(resource)
        subscription.configure(resource)
        self._store.put_subscription(subscription.key, resource)
        return resource

    def detach_subscription(self, name: str) -> None:
        """Cut a subscription off its topic and drop its messages."""
        subscription = self.subscription(name)
        if topic := self._topics.get(subscription.resource.topic):
            topic.subscriptions.pop(name, None)
        resource = type(subscription.resource)()
        resource.CopyFrom(subscription.resource)
        resource.detached = True
        subscription.configure(resource)
        self._store.put_subscription(subscription.key, resource)

    def delete_subscription(self, name: str) -> None:
        subscription = self.subscription(name)
        if topic := self._topics.get(subscription.resource.topic):
            topic.subscriptions.pop(name, None)
        del self._subscriptions[name]
        subscription.close()
        self._store.delete_subscription(subscription.key)

    # Snapshots

    def create_snapshot(self, requested: Any) -> Any:
        """Return the new Snapshot of what a subscription owes now and gets from now on."""
        subscription = self.subscription(requested.subscription)
        horizon = next(self._message_ids)
        return self.snapshots.create(requested, subscription, horizon)

    def delete_snapshot(self, name: str) -> None:
        topic = self._topics.get(self.snapshots.delete(name).resource.topic)
        for subscription in topic.subscriptions.values() if topic else ():
            subscription.prune()

    def _snapshotted(self, topic: str) -> bool:
        return self.snapshots.cover(topic)

    # Messages

    def publish(self, topic: str, bodies: Sequence[Any], request_bytes: int) -> list[str]:
        """Hand messages to the topic's subscriptions and return their ids in order."""
        state = self.topic(topic)
        check_publishable(bodies, request_bytes)
        if state.resource.HasField("schema_settings"):
            self.schemas.stamp(state.resource.schema_settings, bodies)
        return [self._publish_one(state, body) for body in bodies]

    async def durable(self) -> None:
        """Wait until everything that changed so far is on disk; refuse when it can't be."""
        if self._failure is not None:
            raise self._failure
        waiter = self._loop.create_future()
        self._waiting.append(waiter)
        self._ask_for_tick()
        await waiter

    def _publish_one(self, topic: TopicState, body: Any) -> str:
        number = next(self._message_ids)
        now = self._clock.now()
        body.message_id = str(number)
        body.publish_time.FromDatetime(now - timedelta(microseconds=now.microsecond % 1_000))
        blob = body.SerializeToString()
        message = Message(number, topic.resource.name, body, len(blob), time.time())
        takers = [one for one in topic.subscriptions.values() if one.wants(message)]
        if takers:
            self._store.add(message, blob, [one.key for one in takers])
            for subscription in takers:
                subscription.add(message)
        return str(number)

    def _forward(self, topic: str, body: Any) -> bool:
        state = self._topics.get(topic)
        if state is None:
            return False
        self._publish_one(state, body)
        return True

    def _check_dead_letter(self, resource: Any) -> None:
        if resource.HasField("dead_letter_policy"):
            self.topic(resource.dead_letter_policy.dead_letter_topic)

    def stop(self) -> None:
        """Deliver nothing more; what comes in until the store is closed is still kept."""
        for subscription in self._subscriptions.values():
            subscription.stop()

    # The tick

    def touch(self, subscription: Subscription) -> None:
        """Have a subscription deliver what is ready once the present changes are durable."""
        self._touched[subscription.key] = subscription
        self._ask_for_tick()

    def _ask_for_tick(self) -> None:
        if not self._tick_due:
            self._tick_due = True
            self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._tick_due = False
        waiting, self._waiting = self._waiting, []
        touched, self._touched = self._touched, {}
        try:
            self._store.commit()
        except sqlite3.Error as error:
            self._fail(waiting, error)
            return
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        for subscription in touched.values():
            subscription.pump()
        if self._store.dirty:
            self._ask_for_tick()

    def _fail(self, waiting: list[asyncio.Future[None]], error: sqlite3.Error) -> None:
        """Deliver and confirm nothing more: what is in memory is no longer what is on disk."""
        self._failure = unavailable(f"The store can't be written, restart the server: {error}.")
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(self._failure)
        self.stop()

    def _restore(self) -> None:
        for resource in self._store.topics():
            self._topics[resource.name] = TopicState(resource)
        by_key: dict[int, Subscription] = {}
        for key, resource in self._store.subscriptions():
            by_key[key] = subscription = self._subscribed(key, resource)
            self._subscriptions[resource.name] = subscription
            topic = self._topics.get(resource.topic)
            if topic is not None and not resource.detached:
                topic.subscriptions[resource.name] = subscription
        for message, debts in self._store.debts():
            for debt in debts:
                by_key[debt.subscription].restore(message, debt)
