"""Solves a programme of many scenarios together, of whichever kind."""

from __future__ import annotations

from collections.abc import Sequence

from hydrobid.hydro.day_program import DayProgram
from hydrobid.hydro.day_schedules import day_schedules
from hydrobid.hydro.joint_program import JointProgram, JointResult
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.hydro.two_stage import shared_curves


def solved_jointly(
    problem: Problem,
    scenarios: Sequence[Scenario],
    program: JointProgram,
    *,
    commitment: bool = False,
) -> JointResult | SolveFailure:
    """Return what a programme comes to, or why to nothing.

    scenarios: in the order of the program's. commitment: whether units are on or off, at the head of
    the start.
    """
    if isinstance(program, DayProgram):
        return day_schedules(problem, scenarios, program, commitment=commitment)
    return shared_curves(problem, scenarios, program, commitment=commitment)
