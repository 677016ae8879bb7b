"""Stage budgets: how long each stage may take, and the cut-offs counted back from the gate.

Every stage has a timeout for one attempt and a number of attempts, with waits between them that
double from one second to a minute. A budget is the time that all of them need at worst. The limits
are the platform's: 1800 s for an HTTP call of a workflow, 600 s for a push.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrobid.domain.base import Value

LONGEST_CALL = 1800
LONGEST_PUSH = 600
SHORTEST_PUSH = 10
FEWEST_DELIVERIES = 5
FIRST_BACKOFF = 1
LONGEST_BACKOFF = 60

RESULTS_WITHIN = 7200
"""Nord Pool publishes about 45 minutes after its gate; this leaves it more than an hour's delay."""

ASKING_SHARE = 6
"""How many times over an attempt at submission has the time to ask the exchange before approval."""

LEASE = timedelta(seconds=90)
"""How long one holds the sole right to act on an order: longer than a look and an act at the
exchange take at their timeouts; each act renews it."""


class Stage(Value):
    """timeout: seconds that one attempt may take. attempts: how many there are."""

    timeout: Annotated[int, Field(gt=0)]
    attempts: Annotated[int, Field(ge=1, le=100)] = 1

    @cached_property
    def backoff(self) -> timedelta:
        """The waits between all attempts."""
        waits = (FIRST_BACKOFF * 2**n for n in range(self.attempts - 1))
        return timedelta(seconds=sum(min(wait, LONGEST_BACKOFF) for wait in waits))

    @property
    def budget(self) -> timedelta:
        """The time that all attempts and the waits between them need at worst."""
        return timedelta(seconds=self.timeout * self.attempts) + self.backoff


class CutOffs(Value):
    """The instants at which a run stops waiting for solves, for approval and for submission."""

    solve: datetime
    approval: datetime
    submission: datetime
    gate: datetime

    def from_now(self, now: datetime, one_solve: timedelta = timedelta(0)) -> CutOffs:
        """Return the cut-offs for waits that begin at `now`.

        one_solve: how long one attempt at a task may take. Where neither that nor half of what is
        left to the gate fits before the solve cut-off, what is left is shared out: half of it to
        solve, a quarter for approval, an eighth to submit. No cut-off comes sooner by that.
        """
        left = self.gate - now
        half = now + left / 2
        if left <= timedelta(0) or min(now + one_solve, half) <= self.solve:
            return self
        return CutOffs(
            solve=half,
            approval=max(self.approval, now + left * 3 / 4),
            submission=max(self.submission, now + left * 7 / 8),
            gate=self.gate,
        )


class Stages(Value):
    """The budgets of a client's daily bid.

    daily_run: local time at which the run starts on the day the gate closes. solve: of one task.
    approve: how long a person may take. guard: seconds before the gate that belong to the guard.
    results: seconds after the gate by which the exchange's results are expected.
    """

    daily_run: time = time(10, 0)
    dispatch: Stage = Stage(timeout=120, attempts=3)
    solve: Stage = Stage(timeout=900, attempts=3)
    aggregate: Stage = Stage(timeout=60, attempts=5)
    approve: Stage = Stage(timeout=600)
    submit: Stage = Stage(timeout=60, attempts=8)
    guard: Annotated[int, Field(ge=60, le=3600)] = 300
    # What nobody said is not written: documents keep the digests they had before it could be said.
    results: Annotated[int, Field(ge=60, le=86400, exclude_if=lambda s: s == RESULTS_WITHIN)] = (
        RESULTS_WITHIN
    )

    @property
    def asking(self) -> float:
        """Seconds for which a check before approval may wait for the exchange."""
        return self.submit.timeout / ASKING_SHARE

    @model_validator(mode="after")
    def _within_the_platforms_limits(self) -> Self:
        for name in ("dispatch", "solve"):
            timeout = getattr(self, name).timeout
            if timeout > LONGEST_CALL:
                raise ValueError(
                    f"{name}.timeout at most {LONGEST_CALL} s, an HTTP call's: {timeout}"
                )
        for name in ("aggregate", "submit"):
            stage = getattr(self, name)
            if not SHORTEST_PUSH <= stage.timeout <= LONGEST_PUSH:
                raise ValueError(
                    f"{name}.timeout {SHORTEST_PUSH} to {LONGEST_PUSH} s, a push's: {stage.timeout}"
                )
            if stage.attempts < FEWEST_DELIVERIES:
                raise ValueError(
                    f"{name}.attempts at least {FEWEST_DELIVERIES}, as Pub/Sub delivers: "
                    f"{stage.attempts}"
                )
        if self.submit.backoff <= LEASE:
            raise ValueError(
                f"submit.attempts so many that their waits outlast a lease of {LEASE.seconds} s: "
                f"{self.submit.attempts} wait {self.submit.backoff.seconds} s"
            )
        return self

    def cut_offs(self, gate: datetime) -> CutOffs:
        """Return the cut-offs of a gate: each leaves the stages after it their budgets."""
        submission = gate - timedelta(seconds=self.guard)
        approval = submission - self.submit.budget
        solve = approval - self.approve.budget - self.aggregate.budget
        return CutOffs(solve=solve, approval=approval, submission=submission, gate=gate)
