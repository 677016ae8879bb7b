"""The log of tries at a task: what each is at, how it ended, and over what solvers died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hydrobid.domain.errors import DocumentExists, RetryableError
from hydrobid.domain.identifiers import RunId, ScenarioId
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import Attempt, ScenarioOutcome
from hydrobid.domain.states import Actor, Entity, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Clock, Create, Documents, Put, Write
from hydrobid.pipeline.readable import Readable
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.waiting_executions import newest_registration


class AttemptLog:
    """The attempt that this call is: its number is the first that nobody has taken.

    pending: what is solved, in that order; none of a joint task, which has but one outcome.
    """

    def __init__(
        self,
        documents: Documents,
        clock: Clock,
        plan: Plan,
        task: str,
        pending: Sequence[ScenarioId],
    ) -> None:
        self._documents, self._clock, self._plan = documents, clock, plan
        self._pending = pending
        self._following = dict(zip(pending, [*pending[1:], None], strict=bool(pending)))
        number = 1
        while True:
            self._attempt = Attempt(
                task=task,
                number=number,
                started=clock.now(),
                at_hand=pending[0] if pending else None,
            )
            self._path = f"{paths.attempts(plan.run)}/{task}~{number}"
            try:
                documents.commit(Create(self._path, self._attempt.to_document(), plan.kept_until))
            except DocumentExists:
                number += 1
            else:
                return

    @property
    def number(self) -> int:
        """Which try at the task this is, from 1."""
        return self._attempt.number

    @property
    def beyond(self) -> Sequence[ScenarioId]:
        """The scenarios behind the one at hand."""
        at_hand = self._attempt.at_hand
        return () if at_hand is None else self._pending[self._pending.index(at_hand) + 1 :]

    def write(self, outcome: ScenarioOutcome, schedule: Sequence[Write] = ()) -> bool:
        """Create the outcome and name the next scenario; return whether we were the first.

        schedule: the writes that store what the outcome points at.
        """
        check_transition(Entity.SCENARIO, None, outcome.state, Actor.SOLVER)
        _, writes = record_writes(
            paths.scenario(self._plan.run, outcome.asset, outcome.scenario),
            outcome,
            None,
            run=self._plan.run,
            event=f"scenario-{outcome.state.lower()}",
            actor=Actor.SOLVER,
            clock=self._clock,
            data={"termination": outcome.termination, "digest": outcome.digest()},
            expires=self._plan.kept_until,
        )
        following = self._following[outcome.scenario]
        self._attempt = self._attempt.model_copy(update={"at_hand": following})
        try:
            self._documents.commit(*schedule, *writes, self._as_it_stands())
        except DocumentExists:
            return False
        return True

    def end(self, error: RetryableError | None) -> None:
        """Say that the attempt did not die, and what ended it early."""
        told = None if error is None else error.as_document()
        ended = {"ended": self._clock.now(), "error": told}
        self._attempt = self._attempt.model_copy(update=ended)
        self._documents.commit(self._as_it_stands())

    def _as_it_stands(self) -> Put:
        return Put(self._path, self._attempt.to_document(), self._plan.kept_until)


def deaths(documents: Documents, run: RunId, task: str) -> Counter[ScenarioId | None]:
    """Return in how many attempts that died each scenario was at hand; None: no scenario was.

    Whoever runs the day again has mended something, and may try each once more: what died before
    the newest execution was registered does not count. Nor does what cannot be read.
    """
    attempts = Readable(documents).found(Attempt, paths.attempts(run), task=task)
    died = [attempt for attempt in attempts if attempt.died]
    since = newest_registration(documents, run) if died else None
    return Counter(a.at_hand for a in died if since is None or a.started >= since)
