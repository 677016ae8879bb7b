"""The market's clock of a local cloud: real time moved by an offset that a file keeps.

The file holds one JSON object, `{"offset_seconds": 3600.0}`; without a file the offset is zero.
Whoever moves the clock rewrites the file; every process of the cloud reads it again when it has
changed, so a move is seen everywhere at once. Leases, ack deadlines and token expiry never follow
this clock: they use real time.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class MarketClock:
    """Market time of the cloud whose clock file is given; real time when it is None."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Return the market's present, an aware UTC datetime."""
        return datetime.now(UTC) + self._current_offset()

    def _current_offset(self) -> timedelta:
        if self._path is None:
            return self._offset
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._offset = None, timedelta(0)
            return self._offset
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            self._offset = timedelta(seconds=float(document["offset_seconds"]))
            self._stamp = stamp
        return self._offset


def real_seconds() -> float:
    """Return a monotonic reading for leases and deadlines, which no clock file moves."""
    return time.monotonic()
