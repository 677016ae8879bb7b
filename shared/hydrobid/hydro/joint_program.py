"""The programmes that a joint task may solve, and what each comes to."""

from __future__ import annotations

from hydrobid.hydro.curve_program import CurveProgram, SharedCurves
from hydrobid.hydro.day_program import DayProgram, DaySchedules

JointProgram = CurveProgram | DayProgram
JointResult = SharedCurves | DaySchedules
