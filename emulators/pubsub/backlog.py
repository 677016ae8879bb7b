"""What a subscription still owes: unacknowledged messages and the order in which they go out.

Messages without an ordering key go out in publish order, one given back queues behind later ones.
Messages of one key form a lane. A lane sends a run of its messages to one consumer at a time and
nothing more while any of the run is outstanding; when one is given back, the later ones of the
run come back too, so that a key's messages are seen in publish order again.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from emulators.pubsub.messages import Message


@dataclass(slots=True, eq=False)
class Entry:
    """One message of one subscription: how often it was delivered, and the lease it is out on."""

    message: Message
    attempts: int = 0
    ack_id: str = ""
    lane: Lane | None = None
    # False once it is acknowledged, forwarded or expired; a queue may still hold it.
    owed: bool = True


@dataclass(slots=True, eq=False)
class Lane:
    """The messages of one ordering key: `waiting` in publish order, `outstanding` by id."""

    key: str
    waiting: deque[Entry] = field(default_factory=deque)
    outstanding: dict[int, Entry] = field(default_factory=dict)
    resting: int = 0
    queued: bool = False


@dataclass(slots=True)
class Room:
    """What a consumer takes now: messages, bytes, messages of one key, and heads of the queue."""

    messages: int
    size: int
    run: int = 1_000
    heads: int = 1 << 62


class Backlog:
    """The queue of one subscription; it knows no time, no leases and no consumers."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._entries: dict[int, Entry] = {}
        self._ready: deque[Entry | Lane] = deque()
        self._lanes: dict[str, Lane] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, message_id: int) -> Entry | None:
        return self._entries.get(message_id)

    @property
    def ready(self) -> int:
        """An upper bound of what `take` would return without a limit; 0 means nothing."""
        return len(self._ready)

    def add(self, message: Message, attempts: int = 0) -> None:
        """Put a message in, deliverable at once."""
        entry = Entry(message, attempts)
        self._entries[message.id] = entry
        key = message.body.ordering_key if self._ordered else ""
        if key:
            entry.lane = self._lanes.setdefault(key, Lane(key))
        self.give_back(entry)

    def take(self, room: Room) -> list[Entry]:
        """Return the next entries that fit `room`; they are outstanding from here on.

        The first one is returned even when it alone is larger than the room's bytes.
        """
        taken: list[Entry] = []
        size = heads = 0
        while self._ready and len(taken) < room.messages and heads < room.heads:
            head = self._ready[0]
            entry = head.waiting[0] if isinstance(head, Lane) else head
            if not entry.owed:
                self._skip(head)
                continue
            if taken and size + entry.message.size > room.size:
                break
            heads += 1
            if isinstance(head, Lane):
                size += self._take_run(head, room, taken, size)
            else:
                self._ready.popleft()
                taken.append(entry)
                size += entry.message.size
        return taken

    def settle(self, entry: Entry) -> None:
        """Let go of an entry: it is acknowledged, forwarded or expired."""
        entry.owed = False
        self._entries.pop(entry.message.id, None)
        if entry.lane is not None:
            entry.lane.outstanding.pop(entry.message.id, None)
            self._advance(entry.lane)

    def give_back(self, entry: Entry) -> None:
        """Make an entry deliverable again, behind what is ready now."""
        lane = entry.lane
        if lane is None:
            self._ready.append(entry)
            return
        self._return(lane, entry)
        self._advance(lane)

    def rest(self, entry: Entry) -> None:
        """Hold an entry back, and its lane with it, until it is woken."""
        if entry.lane is not None:
            entry.lane.resting += 1
            self._return(entry.lane, entry)

    def wake(self, entry: Entry) -> None:
        """End the rest of an entry; it may have been let go meanwhile."""
        if entry.lane is not None:
            entry.lane.resting -= 1
            self._advance(entry.lane)
        elif entry.owed:
            self._ready.append(entry)

    @staticmethod
    def followers(entry: Entry) -> list[Entry]:
        """Return the outstanding entries of the same key that were published after `entry`."""
        if entry.lane is None:
            return []
        return [
            other
            for number, other in sorted(entry.lane.outstanding.items())
            if number > entry.message.id
        ]

    def _take_run(self, lane: Lane, room: Room, taken: list[Entry], size: int) -> int:
        """Move a run of `lane` into `taken` and return its bytes; the lane leaves the queue."""
        run = 0
        while lane.waiting and len(taken) < room.messages and len(lane.outstanding) < room.run:
            entry = lane.waiting[0]
            if entry.owed:
                if taken and size + run + entry.message.size > room.size:
                    break
                lane.outstanding[entry.message.id] = entry
                taken.append(entry)
                run += entry.message.size
            lane.waiting.popleft()
        self._ready.popleft()
        lane.queued = False
        return run

    def _skip(self, head: Entry | Lane) -> None:
        if isinstance(head, Lane):
            head.waiting.popleft()
            if head.waiting:
                return
            head.queued = False
            self._advance(head)
        self._ready.popleft()

    @staticmethod
    def _return(lane: Lane, entry: Entry) -> None:
        lane.outstanding.pop(entry.message.id, None)
        if lane.waiting and lane.waiting[-1].message.id > entry.message.id:
            insort(lane.waiting, entry, key=lambda other: other.message.id)
        else:
            lane.waiting.append(entry)

    def _advance(self, lane: Lane) -> None:
        if lane.outstanding or lane.resting or lane.queued:
            return
        if lane.waiting:
            lane.queued = True
            self._ready.append(lane)
        elif self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]
