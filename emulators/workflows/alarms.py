"""Waiting on the market's clock, which a file can move at any moment."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from datetime import UTC, datetime

from emulators.clock import MarketClock

_LOOK_EVERY = 0.05

_log = logging.getLogger(__name__)


class Alarms:
    """Futures that are done when the market's clock reaches their instant, at most 50 ms late."""

    def __init__(self, clock: MarketClock) -> None:
        self._clock = clock
        self._offset = 0.0
        self._pending: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._added = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None

    def now(self) -> float:
        """Return the market's present in Unix seconds."""
        present = time.time()
        try:
            self._offset = self._clock.now().timestamp() - present
        except (KeyError, OSError, ValueError):
            # Whoever moves the clock may be halfway through writing the file: the next look sees it.
            _log.warning("the clock file cannot be read; the market's clock stays as it was")
        return present + self._offset

    def moment(self) -> datetime:
        """Return the market's present as an aware datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def at(self, instant: float) -> asyncio.Future[None]:
        """Return a future that is done at the instant, at once when it has passed."""
        alarm = asyncio.get_running_loop().create_future()
        if instant <= self.now():
            alarm.set_result(None)
            return alarm
        heapq.heappush(self._pending, (instant, next(self._numbers), alarm))
        self._added.set()
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick())
        return alarm

    async def stop(self) -> None:
        """End the look at the clock; pending futures stay as they are."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            self._added.clear()
            if not self._pending:
                await self._added.wait()
            present = self.now()
            while self._pending and self._pending[0][0] <= present:
                alarm = heapq.heappop(self._pending)[2]
                if not alarm.done():
                    alarm.set_result(None)
            if self._pending:
                await asyncio.sleep(min(_LOOK_EVERY, max(0.0, self._pending[0][0] - present)))
