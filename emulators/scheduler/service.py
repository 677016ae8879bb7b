"""The methods of CloudScheduler: what callers may do with jobs, and what they are refused."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from emulators.clock import MarketClock
from emulators.scheduler import names
from emulators.scheduler.cron import InvalidSchedule
from emulators.scheduler.definition import OUTPUT_ONLY, JobDefinition
from emulators.scheduler.masks import merged
from emulators.scheduler.store import Job, JobState, Store
from emulators.workflows.api_errors import ApiError, Status, invalid
from emulators.workflows.paging import page_size, position_of, token_of

_LARGEST_PAGE: Final = 500
# Google's page "Alternative job format": `every 5 minutes`, `1st monday of month 09:00`.
_ENGLISH: Final = re.compile(r"\b(every|of)\b")


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs of a list, and the token of the next page, "" on the last."""

    jobs: list[Job]
    next_token: str


class SchedulerService:
    """Jobs as callers see them; used from one event loop, on which each call is one step."""

    def __init__(
        self, store: Store, clock: MarketClock, real_time: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._clock = clock
        self._real_time = real_time

    def create(self, parent: str, body: Mapping[str, Any]) -> Job:
        """Return the job that was made of a body, under its name or one that is made up."""
        names.check_parent(parent)
        name = names.check_job(str(body.get("name") or f"{parent}/jobs/{uuid.uuid4()}"))
        if not name.startswith(f"{parent}/jobs/"):
            raise invalid(f"Job name {name!r} is not of the location {parent!r}.")
        definition = _definition({**body, "name": name})
        next_fire = self._next_fire(definition)
        if self._store.job(name) is not None:
            raise ApiError(Status.ALREADY_EXISTS, f"Job {name} already exists.")
        self._store.add(definition, self._clock.now(), next_fire)
        return self.get(name)

    def get(self, name: str) -> Job:
        """Return a job, or refuse with NOT_FOUND."""
        job = self._store.job(names.check_job(name))
        if job is None:
            raise ApiError(Status.NOT_FOUND, f"Job not found: {name}.")
        return job

    def list(self, parent: str, size: int, token: str) -> Page:
        """Return a page of the jobs of a location, by name."""
        names.check_parent(parent)
        limit = page_size(size, _LARGEST_PAGE, _LARGEST_PAGE)
        found = self._store.jobs(parent, position_of(token), limit + 1)
        shown = found[:limit]
        return Page(shown, token_of(shown[-1].name) if len(found) > limit else "")

    def update(self, name: str, body: Mapping[str, Any], mask: str) -> Job:
        """Return the job with the fields of the mask taken from the body; without one, with all."""
        job = self.get(name)
        paths = [path for path in mask.split(",") if path]
        document = merged(job.definition.document(), body, paths) if paths else body
        definition = _definition({**document, "name": name})
        next_fire = self._next_fire(definition)
        if job.state is JobState.PAUSED:
            changed = replace(job, definition=definition)
        elif definition.timetable() == job.definition.timetable():
            # A fire that is due just now is not lost.
            changed = replace(job, definition=definition)
        else:
            changed = replace(job, definition=definition, next_fire=next_fire)
        self._store.save(replace(changed, updated=self._clock.now()))
        return self.get(name)

    def delete(self, name: str) -> None:
        """Forget a job; an attempt in flight ends as it will."""
        self._store.delete(self.get(name))

    def pause(self, name: str) -> Job:
        """Return the job, which fires and retries no more until it is resumed."""
        job = self._in_state(name, JobState.ENABLED, "paused")
        with self._store.transaction():
            self._store.save(replace(job, state=JobState.PAUSED, next_fire=None))
            self._store.end_executions(job)
        return self.get(name)

    def resume(self, name: str) -> Job:
        """Return the job, which fires from now on; what it missed is not made up for."""
        job = self._in_state(name, JobState.PAUSED, "resumed")
        next_fire = self._next_fire(job.definition)
        self._store.save(replace(job, state=JobState.ENABLED, next_fire=next_fire))
        return self.get(name)

    def run(self, name: str) -> Job:
        """Return the job, which is dispatched at once, whatever its state and its schedule."""
        job = self.get(name)
        self._store.add_execution(job, self._clock.now(), forced=True, due=self._real_time())
        return job

    def _in_state(self, name: str, state: JobState, wish: str) -> Job:
        job = self.get(name)
        if job.state is not state:
            message = f"Job {name} is {job.state}: only {state} jobs can be {wish}."
            raise ApiError(Status.FAILED_PRECONDITION, message)
        return job

    def _next_fire(self, definition: JobDefinition) -> datetime:
        try:
            return definition.timetable().next_after(self._clock.now())
        except InvalidSchedule as error:
            if _ENGLISH.search(definition.schedule.lower()):
                message = f"schedule {definition.schedule!r}: only unix-cron is implemented here."
                raise ApiError(Status.UNIMPLEMENTED, message) from error
            raise invalid(f"Schedule or time zone is invalid. {error}.") from error


def _definition(document: Mapping[str, Any]) -> JobDefinition:
    if document.get("appEngineHttpTarget") is not None:
        message = "appEngineHttpTarget is not implemented here: use httpTarget or pubsubTarget."
        raise ApiError(Status.UNIMPLEMENTED, message)
    given = {name: value for name, value in document.items() if name not in OUTPUT_ONLY}
    try:
        return JobDefinition.model_validate(given)
    except ValidationError as error:
        raise invalid("; ".join(_violation(item) for item in error.errors())) from None


def _violation(item: Any) -> str:
    path = ".".join(str(step) for step in item["loc"])
    if item["type"] == "extra_forbidden":
        place, _, name = f"job.{path}".rpartition(".")
        return f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
    message = item["msg"].removeprefix("Value error, ")
    return f"job.{path}: {message}" if path else f"job: {message}"
