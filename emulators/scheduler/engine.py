"""What makes jobs fire: a look at both clocks every 50 ms, and at the store for what is due.

The store alone knows what is to be done; in memory is only what is being tried at the moment. So
starting again after a crash needs nothing but the next look.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emulators.clock import MarketClock
from emulators.scheduler.delivery import Delivery
from emulators.scheduler.store import Execution, Job, Store

_LOOK_EVERY: Final = 0.05
_PAUSE_AFTER_FAULT: Final = 1.0
_GRACE: Final = 1.0

_log = logging.getLogger(__name__)


class Engine:
    """Fires the jobs of a store by the market's clock and tries their executions in real time."""

    def __init__(
        self,
        store: Store,
        clock: MarketClock,
        delivery: Delivery,
        real_time: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._delivery = delivery
        self._real_time = real_time
        self._attempts: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look until cancelled; a fault is logged and does not end it."""
        while True:
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a full disk, a clock file halfway through writing
                _log.exception("the scheduler could not look for what is due; looking again")
                await asyncio.sleep(_PAUSE_AFTER_FAULT)
            await asyncio.sleep(_LOOK_EVERY)

    async def stop(self) -> None:
        """Wait a second for attempts in flight; those that take longer are made again next time."""
        if self._attempts:
            await asyncio.wait(self._attempts.values(), timeout=_GRACE)
        left = list(self._attempts.values())
        for attempt in left:
            attempt.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def look(self) -> None:
        """Turn due fires into executions, and begin the attempts that are due."""
        now = self._clock.now()
        for job in self._store.due_jobs(now):
            timetable = job.definition.timetable()
            fire = timetable.latest_until(now)
            with self._store.transaction():
                self._store.save(replace(job, next_fire=timetable.next_after(fire)))
                self._store.add_execution(job, fire, forced=False, due=self._real_time())
        for execution in self._store.due_executions(self._real_time()):
            if execution.key not in self._attempts:
                self._attempts[execution.key] = asyncio.create_task(self._attempt(execution))

    async def _attempt(self, execution: Execution) -> None:
        try:
            await self._try(execution)
        except Exception:  # noqa: BLE001 - a full disk: the next look tries again
            _log.exception("an attempt could not be recorded; it is made again")
        finally:
            del self._attempts[execution.key]

    async def _try(self, execution: Execution) -> None:
        job = self._store.job_of(execution)
        if job is None:
            return
        begun = replace(execution, began=execution.began or self._real_time())
        # What cannot be written is not sent, either.
        with self._store.transaction():
            self._store.save(replace(job, last_attempt=self._clock.now()))
            self._store.save_execution(begun)
        outcome = await self._delivery.attempt(job.definition, execution.fire)
        # The job may have been changed or deleted meanwhile.
        job = self._store.job_of(execution)
        if job is None:
            return
        with self._store.transaction():
            self._store.save(replace(job, outcome=outcome))
            if outcome.succeeded:
                self._store.end_execution(execution)
            else:
                self._retry_or_end(job, begun)

    def _retry_or_end(self, job: Job, execution: Execution) -> None:
        policy = job.definition.retry_config.policy()
        failures, now = execution.failures + 1, self._real_time()
        if policy.retries(failures, now - (execution.began or now)):
            due = now + policy.wait_after(failures)
            self._store.save_execution(replace(execution, failures=failures, due=due))
        else:
            self._store.end_execution(execution)
