"""Snapshots: what a subscription owed at a moment, to be sought back to."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from emulators.pubsub import names, resources
from emulators.pubsub.errors import already_exists, failed_precondition, not_found
from emulators.pubsub.messages import Message
from emulators.pubsub.store import Store
from emulators.pubsub.subscription import Subscription

_LIFETIME: Final = 7 * 86_400


@dataclass(slots=True, eq=False)
class SnapshotState:
    """A Snapshot resource, the last message id before it and what was unacknowledged then."""

    resource: Any
    horizon: int
    unacknowledged: frozenset[int]

    def owes(self, message: Message) -> bool:
        """Return whether the message was unacknowledged, or came after the snapshot."""
        return message.id > self.horizon or message.id in self.unacknowledged


class Snapshots:
    """All snapshots by name; one that has expired (in real time) is as good as deleted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states = {
            resource.name: SnapshotState(resource, horizon, unacknowledged)
            for resource, horizon, unacknowledged in store.snapshots()
        }
        self._topics = Counter(state.resource.topic for state in self._states.values())

    def cover(self, topic: str) -> bool:
        """Return whether a snapshot of the topic exists."""
        return self._topics[topic] > 0

    def get(self, name: str) -> SnapshotState:
        """Return a snapshot, or refuse with INVALID_ARGUMENT or NOT_FOUND."""
        self._drop_expired()
        state = self._states.get(names.check_snapshot(name))
        if state is None:
            raise not_found(name)
        return state

    def of_project(self, project: str) -> list[Any]:
        """Return the Snapshot resources of `projects/P` by name."""
        self._drop_expired()
        prefix = f"{names.check_project(project)}/"
        return [
            one.resource for name, one in sorted(self._states.items()) if name.startswith(prefix)
        ]

    def of_topic(self, topic: str) -> list[str]:
        """Return the names of a topic's snapshots."""
        self._drop_expired()
        return sorted(name for name, one in self._states.items() if one.resource.topic == topic)

    def create(self, requested: Any, subscription: Subscription, horizon: int) -> Any:
        """Return the Snapshot resource; messages up to id `horizon` are the past."""
        names.check_snapshot(requested.name)
        self._drop_expired()
        if requested.name in self._states:
            raise already_exists(requested.name)
        if subscription.resource.topic == names.DELETED_TOPIC:
            raise failed_precondition("The subscription's topic has been deleted.")
        resource = resources.new_snapshot(requested, subscription.resource.topic)
        resource.expire_time.FromSeconds(int(time.time()) + _LIFETIME)
        state = SnapshotState(resource, horizon, subscription.unacknowledged())
        self._states[resource.name] = state
        self._topics[resource.topic] += 1
        self._keep(state)
        return resource

    def update(self, patch: Any, mask: Any) -> Any:
        state = self.get(patch.name)
        state.resource = resources.updated_snapshot(state.resource, patch, mask)
        self._keep(state)
        return state.resource

    def delete(self, name: str) -> SnapshotState:
        """Delete a snapshot and return what it was."""
        state = self.get(name)
        self._drop(state)
        return state

    def _drop_expired(self) -> None:
        now = time.time()
        for state in list(self._states.values()):
            if state.resource.expire_time.seconds <= now:
                self._drop(state)

    def _drop(self, state: SnapshotState) -> None:
        del self._states[state.resource.name]
        self._topics[state.resource.topic] -= 1
        self._store.delete_snapshot(state.resource.name)

    def _keep(self, state: SnapshotState) -> None:
        self._store.put_snapshot(state.resource, state.horizon, state.unacknowledged)
