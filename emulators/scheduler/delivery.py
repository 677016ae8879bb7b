"""One attempt at a job's target, whichever kind that is."""

from __future__ import annotations

import logging
from datetime import datetime

from emulators.scheduler.definition import JobDefinition
from emulators.scheduler.http_target import HttpCaller
from emulators.scheduler.outcome import INTERNAL, Outcome
from emulators.scheduler.pubsub_target import MessagePublisher
from emulators.tokens import TokenMint

_log = logging.getLogger(__name__)


class Delivery:
    """Reaches the targets of jobs; made and used on one event loop."""

    def __init__(self, pubsub_host: str | None, workflows_host: str | None) -> None:
        self._publisher = MessagePublisher(pubsub_host)
        self._caller = HttpCaller(TokenMint(), workflows_host)

    async def close(self) -> None:
        """Let go of connections."""
        await self._publisher.close()
        await self._caller.close()

    async def attempt(self, job: JobDefinition, fire: datetime) -> Outcome:
        """Return how an attempt at the job for a fire ended; it never raises for the target's sake."""
        try:
            return await self._attempt(job, fire)
        except Exception as error:  # noqa: BLE001 - the job tells whatever it is
            _log.exception("an attempt at %s failed inside the emulator", job.name)
            return Outcome(INTERNAL, f"Internal error of the emulator: {error!r}.")

    async def _attempt(self, job: JobDefinition, fire: datetime) -> Outcome:
        if job.pubsub_target is not None:
            return await self._publisher.publish(job.pubsub_target)
        assert job.http_target is not None  # noqa: S101 - a definition has one of the two
        assert job.attempt_deadline is not None  # noqa: S101 - HTTP targets always have one
        return await self._caller.call(
            job.http_target,
            job.name,
            fire,
            job.timetable().zone,
            job.attempt_deadline.total_seconds(),
        )
