"""The simulator itself: with a safeguard of the product taken away, it finds a broken rule."""

from __future__ import annotations

import pytest
from simulation.mutations import MUTATIONS, OF_SUBMISSION, mutated
from simulation.schedule import run_schedule

BOUND = 200
"""Schedules within which a missing safeguard has to be noticed."""


@pytest.mark.parametrize(
    ("safeguard", "alone"),
    [*((name, False) for name in MUTATIONS), *((name, True) for name in OF_SUBMISSION)],
)
def test_simulator__notices_what_is_missing(safeguard: str, alone: bool):
    def violated(seed: int) -> bool:
        return run_schedule(seed, alone=alone).violation is not None

    with mutated(safeguard):
        found = next(filter(violated, range(BOUND)), None)

    print(f"without {safeguard}: seed {found}")
    assert found is not None
    assert not violated(found)
