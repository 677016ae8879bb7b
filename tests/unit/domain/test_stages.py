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


@pytest.mark.parametrize("before_solve", [901, 899, 300, 5, 0, -60, -1200])
def test_cut_offs__a_late_start_has_half_of_what_is_left_to_solve(before_solve: int):
    planned, one_solve = Stages().cut_offs(GATE), timedelta(seconds=900)
    now = planned.solve - timedelta(seconds=before_solve)

    waits = planned.from_now(now, one_solve)

    if before_solve > 900:
        assert waits == planned
    else:
        assert waits.solve == now + (GATE - now) / 2
        assert now < waits.solve < waits.approval < waits.submission < waits.gate
        assert waits.approval >= planned.approval
        assert waits.submission >= planned.submission


def test_cut_offs__a_late_start_loses_no_time_that_it_had():
    stages = Stages(solve=Stage(timeout=1800), approve=Stage(timeout=30))
    planned = stages.cut_offs(GATE)
    now = planned.solve - timedelta(seconds=1799)

    assert planned.from_now(now, timedelta(seconds=1800)) == planned


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
