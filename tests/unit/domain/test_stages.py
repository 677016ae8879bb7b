from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from hydrobid.domain.stages import LEASE, Stage, Stages

GATE = datetime(2026, 11, 24, 11, tzinfo=UTC)


def test_stage__budget_is_all_attempts_and_the_waits_between_them():
    stage = Stage(timeout=10, attempts=8)

    assert stage.backoff == timedelta(seconds=1 + 2 + 4 + 8 + 16 + 32 + 60)
    assert stage.budget == timedelta(seconds=80) + stage.backoff


def test_cut_offs__each_leaves_the_later_stages_their_budgets():
    stages = Stages()
    cut_offs = stages.cut_offs(GATE)

    assert cut_offs.gate - cut_offs.submission == timedelta(seconds=stages.guard)
    assert cut_offs.submission - cut_offs.approval == stages.submit.budget
    assert cut_offs.approval - cut_offs.solve == stages.approve.budget + stages.aggregate.budget


@pytest.mark.parametrize(
    ("stage", "timeout", "attempts", "named"),
    [
        ("dispatch", 1801, 3, "dispatch.timeout at most 1800 s"),
        ("solve", 1801, 1, "solve.timeout at most 1800 s"),
        ("aggregate", 601, 5, "aggregate.timeout 10 to 600 s"),
        ("submit", 9, 8, "submit.timeout 10 to 600 s"),
        ("aggregate", 60, 4, "aggregate.attempts at least 5"),
        ("submit", 60, 6, "outlast a lease"),
    ],
)
def test_stages__beyond_the_platforms_limits(stage: str, timeout: int, attempts: int, named: str):
    with pytest.raises(ValidationError, match=named):
        Stages(**{stage: {"timeout": timeout, "attempts": attempts}})


def test_stages__waits_of_submission_outlast_a_lease():
    assert Stages().submit.backoff > LEASE
