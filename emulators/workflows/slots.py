"""Places for parallel branches: as many as may run at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """A number of places; whoever finds none waits, and is handed the next that becomes free."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Take a place, waiting for one if need be."""
        if self._free > 0:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await place

    def take(self) -> None:
        """Take a place without waiting, for a replay that knows there was one."""
        self._free -= 1

    def release(self) -> None:
        """Give a place back, to whoever has waited longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
