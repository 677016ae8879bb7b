"""The simulator itself: with a safeguard of the product taken away, it finds a broken rule."""

from __future__ import annotations

import pytest
from simulation.mutations import MUTATIONS, mutated
from simulation.schedule import run_schedule

BOUND = 200
"""Schedules within which a missing safeguard has to be noticed."""


@pytest.mark.parametrize("safeguard", MUTATIONS)
def test_simulator__notices_what_is_missing(safeguard: str):
    with mutated(safeguard):
        found = next((s for s in range(BOUND) if run_schedule(s).violation is not None), None)

    print(f"without {safeguard}: seed {found}")
    assert found is not None
    assert run_schedule(found).violation is None
