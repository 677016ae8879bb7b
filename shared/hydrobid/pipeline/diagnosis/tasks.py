"""The tries at each task: how often it was tried, what ended a try early, what is still absent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import AssetId, ScenarioId, TaskId
from hydrobid.domain.plan import AssetPlan, Task
from hydrobid.domain.records import Attempt
from hydrobid.pipeline.diagnosis.trail import Trail, seconds_between


class TryEnd(StrEnum):
    """How a try at a task ended, as far as its log tells."""

    ENDED = "ended"
    GAVE_WAY = "gave way"
    NEVER_ENDED = "never ended"


class Try(Value):
    """One try at a task, in market time.

    seconds: None where it never ended. at_hand: the scenario it was at when it was last heard of,
    None after the last. error: code, message and details of what ended it early.
    """

    number: int
    end: TryEnd
    started: datetime
    seconds: float | None
    at_hand: ScenarioId | None
    error: dict[str, object] | None

    @property
    def words(self) -> str:
        """The end of the try, in words."""
        at_hand = f" with {self.at_hand} at hand" if self.at_hand is not None else ""
        code = f": {self.error['code']}" if self.error is not None else ""
        return str(self.end) if self.end is TryEnd.ENDED else f"{self.end}{at_hand}{code}"


class TaskHistory(Value):
    """A task and the tries at it, oldest first.

    retry_seconds: from the first try's start to the last one's. absent: scenarios without an
    outcome.
    """

    asset: AssetId
    task: TaskId
    scenarios: int
    absent: tuple[ScenarioId, ...]
    tries: tuple[Try, ...]
    retry_seconds: float

    @property
    def smooth(self) -> bool:
        """Whether one try was enough."""
        return not self.absent and [t.end for t in self.tries] == [TryEnd.ENDED]


def task_histories(trail: Trail) -> tuple[TaskHistory, ...]:
    """Return the history of every planned task, those that were never tried included."""
    return tuple(history for asset in trail.plan.assets for history in _histories(trail, asset))


def tries_at(trail: Trail, asset: AssetPlan, task: Task) -> tuple[Try, ...]:
    """Return the tries at one task, oldest first."""
    return tuple(map(_try, trail.attempts_at(asset, task)))


def _histories(trail: Trail, asset: AssetPlan) -> Iterator[TaskHistory]:
    outcomes = trail.of_outcomes(asset)
    for task in asset.tasks:
        tries = tries_at(trail, asset, task)
        yield TaskHistory(
            asset=asset.asset,
            task=task.id,
            scenarios=len(task.scenarios),
            absent=tuple(s for s in task.scenarios if s not in outcomes),
            tries=tries,
            retry_seconds=seconds_between(tries[0].started, tries[-1].started) if tries else 0.0,
        )


def _try(attempt: Attempt) -> Try:
    end = TryEnd.ENDED
    if attempt.ended is None:
        end = TryEnd.NEVER_ENDED
    elif attempt.error is not None:
        end = TryEnd.GAVE_WAY
    return Try(
        number=attempt.number,
        end=end,
        started=attempt.started,
        seconds=seconds_between(attempt.started, attempt.ended) if attempt.ended else None,
        at_hand=attempt.at_hand,
        error=attempt.error,
    )
