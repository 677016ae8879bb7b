"""A single schedule as one JSON document."""

from __future__ import annotations

from typing import Any

from hydrobid.domain.time import utc_text
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import Schedule, SolveFailure, Timings


def solution_document(
    problem: Problem,
    schedule: Schedule,
    timings: Timings,
    ignored: tuple[str, ...],
    unproven: str = "",
) -> dict[str, Any]:
    """Return what a schedule is worth, how it was found and what it breaks.

    Money in the currency of the prices; every part of the objective as simulated. bound, gap: null
    unless a bound was proven. unproven: why not, where one was asked for. water_price: by reservoir, currency per Mm3 at each period's end.
    violations: their `mtus` are positions among `periods`. ignored: paths in the model's document.
    """
    told = schedule.to_document()
    return {
        "watercourse": str(problem.watercourse.name),
        "start": utc_text(problem.horizon.start),
        "end": utc_text(problem.horizon.end),
        "periods": len(problem),
        "method": told["method"],
        "reason": told["reason"],
        "termination": told["termination"],
        "iterations": told["iterations"],
        "objective": told["objective"],
        "bound": told["bound"],
        "gap": schedule.gap,
        "unproven": unproven or None,
        "violations": told["violations"],
        "ignored": list(ignored),
        "convergence": told["convergence"],
        "water_price": told["water_price"],
        "timings": timings.to_document(),
    }


def failure_document(
    problem: Problem, failure: SolveFailure, timings: Timings, ignored: tuple[str, ...]
) -> dict[str, Any]:
    """Return why there is no schedule, in the same form as far as it goes."""
    return {
        "watercourse": str(problem.watercourse.name),
        "start": utc_text(problem.horizon.start),
        "end": utc_text(problem.horizon.end),
        "periods": len(problem),
        "termination": failure.code.value.lower(),
        "failure": failure.to_document(),
        "ignored": list(ignored),
        "timings": timings.to_document(),
    }
