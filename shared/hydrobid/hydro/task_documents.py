"""A solve as JSON, for programs of any kind: the task that they read, and the result they write.

Both forms carry a format and a version. In a task every series has a value for each period; null
stands where nothing limits. A result holds decisions only: what they are worth is simulated here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.domain.time import utc_text
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.schedule import FailureCode, SolveFailure, Termination
from hydrobid.hydro.simulator import Operation

TASK_FORMAT = "hydrobid-task"
VERSION = 1
MOST_FAULTS = 5
LARGEST_FLOW = 1e6

Flow = Annotated[float, Field(ge=0, le=LARGEST_FLOW)]


def task_document(problem: Problem, scenario: ScenarioId, prices: Series) -> dict[str, Any]:
    """Return one scenario's task as JSON-ready data, in the units of the domain and of Problem.

    Arrays are of the T periods. watercourse: as the domain's documents have it, water values and
    cuts among them; what its conditions say is in the series already.
    """
    start, horizon = problem.start, problem.horizon
    reservoirs = problem.watercourse.reservoirs
    return {
        "format": TASK_FORMAT,
        "version": VERSION,
        "scenario": str(scenario),
        "watercourse": problem.watercourse.to_document(),
        "periods": {
            "starts": [utc_text(at) for at in horizon.starts],
            "hours": horizon.hours.tolist(),
        },
        "prices": prices.tolist(),
        "inflow": _series(problem.inflow),
        "limits": {
            limit.name: _series(getattr(problem.limits, limit.name))
            for limit in fields(problem.limits)
        },
        "start": {
            "volume": dict(zip((r.name for r in reservoirs), start.volume.tolist(), strict=True)),
            "under_way": _series(start.under_way),
            "on": dict(start.on),
            "hours_in_state": dict(start.hours_in_state),
            "flow": dict(start.flow),
        },
        "trade": {
            part.name: _numbers(getattr(problem.trade, part.name)) for part in fields(problem.trade)
        },
        "reserve_up": _series(problem.reserve_up),
        "reserve_down": _series(problem.reserve_down),
    }


class Decisions(Value):
    """What is chosen in each period. on: of units and pumps; flow: theirs, m3/s, none where off.

    gate_flow: m3/s of gates. An element that is not named stands still.
    """

    on: dict[Identifier, tuple[bool, ...]] = Field(default_factory=dict)
    flow: dict[Identifier, tuple[Flow, ...]] = Field(default_factory=dict)
    gate_flow: dict[Identifier, tuple[Flow, ...]] = Field(default_factory=dict)


class Refusal(Value):
    """Why there are no decisions."""

    code: Literal["INFEASIBLE", "UNBOUNDED", "ITERATION_LIMIT", "SOLVER_ERROR"]
    message: Annotated[str, Field(max_length=2000)] = ""


class Result(Value):
    """A result: decisions, or why there are none."""

    format: Literal["hydrobid-result"]
    version: Literal[1]
    termination: Termination = Termination.CONVERGED
    decisions: Decisions | None = None
    failure: Refusal | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.decisions is None) == (self.failure is None):
            raise ValueError("decisions or failure, one of the two")
        return self


def result_in(content: bytes, problem: Problem) -> tuple[Operation, Termination] | SolveFailure:
    """Return the operation that a result decides on and how its search ended, or its failure.

    Raises:
        CorruptDocument: content is no result, or none of this problem; the details name faults.
    """
    try:
        result = Result.model_validate_json(content)
    except (ValidationError, RecursionError) as error:
        raise CorruptDocument(f"not a result: {_told(error)}") from None
    if result.failure is not None:
        message = result.failure.message or "without a word"
        return SolveFailure(FailureCode(result.failure.code), message)
    decisions = result.decisions or Decisions()
    watercourse, periods = problem.watercourse, len(problem)
    machines = [machine.name for plant in watercourse.plants for machine in plant.machines]
    gates = [gate.name for gate in watercourse.gates]
    faults = [
        *_faults("on", decisions.on, machines, periods),
        *_faults("flow", decisions.flow, machines, periods),
        *_faults("gate_flow", decisions.gate_flow, gates, periods),
    ]
    if faults:
        raise CorruptDocument(f"not a result of this task: {'; '.join(faults[:MOST_FAULTS])}")
    on = {name: _array(decisions.on.get(name), periods).astype(bool) for name in machines}
    flow = {name: _array(decisions.flow.get(name), periods) for name in machines}
    operation = Operation(
        on=on,
        flow={name: np.where(on[name], flow[name], 0.0) for name in machines},
        gate_flow={name: _array(decisions.gate_flow.get(name), periods) for name in gates},
    )
    return operation, result.termination


def _faults(
    field: str, series: Mapping[Identifier, Sequence[Any]], known: Sequence[str], periods: int
) -> list[str]:
    strangers = [f"{field}.{name} is no element of the task" for name in set(series) - set(known)]
    lengths = [
        f"{field}.{name} has {len(values)} values; expected {periods}"
        for name, values in series.items()
        if len(values) != periods
    ]
    return sorted(strangers) + lengths


def _array(values: Sequence[float] | None, periods: int) -> NDArray[np.float64]:
    return np.zeros(periods) if values is None else np.array(values, dtype=np.float64)


def _series(series: Mapping[Identifier, NDArray[Any]]) -> dict[str, list[Any]]:
    return {str(name): _numbers(values) for name, values in series.items()}


def _numbers(values: NDArray[Any]) -> list[Any]:
    """Return values as JSON has them: null for what is without limit."""
    return [None if value == float("inf") else value for value in values.tolist()]


def _told(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'content'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
    )


def task_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a task as the bytes that a program reads."""
    return json.dumps(document, allow_nan=False).encode()
