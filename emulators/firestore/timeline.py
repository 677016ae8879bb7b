"""The instants of a cloud's Firestore: when commits happen and what moment a read sees.

Instants are microseconds since 1970 by the market's clock. They never go back, whatever that clock
does, and no commit shares its instant with an earlier read: what a read at T has seen stays true.
"""

from __future__ import annotations

from emulators.clock import MarketClock
from emulators.firestore.errors import FailedPreconditionError, InvalidArgumentError
from emulators.firestore.messages import Message, microseconds, timestamp_microseconds

RETENTION = 3_600_000_000  # one hour of old versions, as without point-in-time recovery


class Timeline:
    """Hands out instants after `last`, the newest that was handed out before a restart."""

    def __init__(self, clock: MarketClock, last: int) -> None:
        self._clock = clock
        self._last = last

    def next_commit(self) -> int:
        """Return an instant later than every one before it."""
        self._last = max(microseconds(self._clock.now()), self._last + 1)
        return self._last

    def present(self) -> int:
        """Return the instant of a read that sees everything committed so far."""
        self._last = max(microseconds(self._clock.now()), self._last)
        return self._last

    def requested(self, read_time: Message) -> int:
        """Return the instant that a client asked to read at, a Timestamp within the last hour."""
        instant, present = timestamp_microseconds(read_time), self.present()
        if instant > present:
            raise InvalidArgumentError("The requested 'read_time' cannot be in the future.")
        if instant < present - RETENTION:
            raise FailedPreconditionError("The requested 'read_time' is too old.")
        return instant
