"""The clock of a deployed function: real time, moved by an offset in a local cloud."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path


class SystemClock:
    """Market time is real time plus the offset that `clock_file` holds; zero without a file.

    The file is one JSON object, `{"offset_seconds": 3600.0}`. It is read at each call: a local
    cloud's time may move while a function runs.
    """

    def __init__(self, clock_file: Path | None = None) -> None:
        self._clock_file = clock_file

    def now(self) -> datetime:
        """Return market time, aware UTC."""
        return self.real_now() + self._offset()

    def real_now(self) -> datetime:
        """Return real time, aware UTC."""
        return datetime.now(UTC)

    def _offset(self) -> timedelta:
        if self._clock_file is None:
            return timedelta(0)
        try:
            document = json.loads(self._clock_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return timedelta(0)
        return timedelta(seconds=float(document["offset_seconds"]))
