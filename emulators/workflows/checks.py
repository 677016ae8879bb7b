"""Checks of a program when it is deployed: every name that it uses stands for something.

Steps that `next` names, functions and subworkflows that are called, variables that are read, and
what parallel branches may write. Reading is checked by scope, not by the order of steps, since jumps
go both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from emulators.workflows.declarations import declared_by
from emulators.workflows.errors import DeploymentError
from emulators.workflows.expressions import Apply, Expression, Item, Name, dotted_name, parts
from emulators.workflows.parser import parse_program
from emulators.workflows.stdlib import CONSTANTS, FUNCTIONS, Kind, is_elsewhere
from emulators.workflows.steps import (
    BREAK,
    CONTINUE,
    END,
    Action,
    Assign,
    Block,
    Call,
    Loop,
    Nested,
    Parallel,
    Proceed,
    Program,
    Raise,
    Return,
    Routine,
    Step,
    Switch,
    Try,
)

_RESERVED = {END, BREAK, CONTINUE}


def deployable(source: str) -> Program:
    """Return the program of a source that passes every check, or raise a DeploymentError."""
    program = parse_program(source)
    for routine in program.routines.values():
        _check_routine(program, routine)
    return program


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known where a step stands."""

    program: Program
    # Steps that `next` may name.
    targets: frozenset[str]
    # Variables of this scope and those around it, assigned before or after.
    readable: frozenset[str]
    # Those of them that steps further up in the source assign.
    assigned: frozenset[str]
    # Outer variables that a parallel branch sees but may not write.
    locked: frozenset[str]
    in_loop: bool = False
    in_branch: bool = False
    in_branch_loop: bool = False


def _check_routine(program: Program, routine: Routine) -> None:
    if routine.name in _RESERVED:
        problem = f"'{routine.name}' is reserved and cannot name a subworkflow"
        raise DeploymentError(problem, line=routine.line)
    place = _Place(program, frozenset(), frozenset(), frozenset(), frozenset())
    for parameter in routine.parameters:
        if parameter.default is not None:
            _check_expression(place, parameter.default, routine.name, routine.line)
    _check_block(place, routine.body, brings=[parameter.name for parameter in routine.parameters])


def _check_block(place: _Place, block: Block, brings: Iterable[str] = ()) -> None:
    """Check a block; `brings` are the variables that its scope begins with."""
    own = frozenset(brings)
    place = replace(
        place,
        targets=place.targets | block.positions.keys(),
        readable=place.readable | own | declared_by(block.steps),
        assigned=place.assigned | own,
        locked=place.locked - own,
    )
    for step in block.steps:
        if step.name in _RESERVED:
            problem = f"'{step.name}' is reserved and cannot name a step"
            raise DeploymentError(problem, line=step.line, step=step.name)
        _check_target(place, step.next, step, step.line)
        _CHECKS[type(step.action)](place, step.action, step)
        place = replace(place, assigned=place.assigned | declared_by([step]))


def _check_target(place: _Place, target: str | None, step: Step, line: int) -> None:
    if target is None or target in place.targets:
        return
    if target == END and not place.in_branch:
        return
    if target == CONTINUE and (place.in_loop or place.in_branch_loop):
        return
    if target == BREAK and place.in_loop:
        return
    if target in _RESERVED:
        problem = f"'next: {target}' is not possible here"
    else:
        problem = f"next step '{target}' is not defined"
    raise DeploymentError(problem, line=line, step=step.name)


def _check_assign(place: _Place, action: Assign, step: Step) -> None:
    for assignment in action.assignments:
        _check_write(place, assignment.variable, step, assignment.line)
        if assignment.path:
            _check_symbol(place, assignment.variable, step.name, assignment.line)
        for expression in (*assignment.path, assignment.value):
            _check_expression(place, expression, step.name, assignment.line)


def _check_call(place: _Place, action: Call, step: Step) -> None:
    name = action.function
    if not (name in FUNCTIONS or name in place.program.routines or is_elsewhere(name)):
        problem = f"'{name}' is neither a standard function nor a subworkflow"
        raise DeploymentError(problem, line=step.line, step=step.name)
    _check_expression(place, action.arguments, step.name, step.line)
    if action.result is not None:
        _check_write(place, action.result, step, step.line)


def _check_switch(place: _Place, action: Switch, step: Step) -> None:
    for condition in action.conditions:
        _check_expression(place, condition.test, step.name, condition.line)
        _check_target(place, condition.next, step, condition.line)
        if condition.body is not None:
            _check_block(place, condition.body)


def _check_loop(place: _Place, action: Loop, step: Step) -> None:
    _check_loop_head(place, action, step)
    _check_block(replace(place, in_loop=True), action.body, brings=_loop_variables(action))


def _check_parallel(place: _Place, action: Parallel, step: Step) -> None:
    for name in action.shared:
        if name not in place.readable:
            problem = f"shared variable '{name}' is not defined outside the parallel step"
            raise DeploymentError(problem, line=step.line, step=step.name)
        _check_write(place, name, step, step.line)
    if action.concurrency_limit is not None:
        _check_expression(place, action.concurrency_limit, step.name, step.line)
    inside = replace(
        place,
        targets=frozenset(),
        locked=place.assigned - frozenset(action.shared),
        in_loop=False,
        in_branch=True,
        in_branch_loop=isinstance(action.work, Loop),
    )
    if isinstance(action.work, Loop):
        _check_loop_head(place, action.work, step)
        _check_block(inside, action.work.body, brings=_loop_variables(action.work))
    else:
        for branch in action.work:
            _check_block(inside, branch.body)


def _check_try(place: _Place, action: Try, step: Step) -> None:
    _check_block(place, action.body)
    if action.retry is not None:
        retry = action.retry
        for expression in (retry.policy, retry.predicate, retry.max_retries, retry.backoff):
            if expression is not None:
                _check_expression(place, expression, step.name, step.line)
    if action.handler is not None:
        variable = action.handler.variable
        _check_block(place, action.handler.body, brings=() if variable is None else (variable,))


def _check_raise(place: _Place, action: Raise, step: Step) -> None:
    _check_expression(place, action.error, step.name, step.line)


def _check_return(place: _Place, action: Return, step: Step) -> None:
    if place.in_branch:
        problem = "a parallel branch cannot return"
        raise DeploymentError(problem, line=step.line, step=step.name)
    _check_expression(place, action.value, step.name, step.line)


def _check_nested(place: _Place, action: Nested, _: Step) -> None:
    _check_block(place, action.body)


def _check_nothing(_: _Place, __: Proceed, ___: Step) -> None:
    """A step that only goes on has nothing but its target, which is checked with every step's."""


def _check_loop_head(place: _Place, loop: Loop, step: Step) -> None:
    for expression in (loop.items, loop.ends):
        if expression is not None:
            _check_expression(place, expression, step.name, step.line)


def _check_write(place: _Place, name: str, step: Step, line: int) -> None:
    if name in place.locked:
        problem = f"variable '{name}' is written in a parallel branch but not shared"
        raise DeploymentError(problem, line=line, step=step.name)


def _check_expression(place: _Place, expression: Expression, step: str, line: int) -> None:
    library: set[int] = set()
    for part in parts(expression):
        if isinstance(part, Apply):
            _check_function(place, part, step, line)
        elif isinstance(part, Item) and part.dotted:
            name = dotted_name(part)
            if name in CONSTANTS or name in FUNCTIONS:
                library.add(id(part.target))
        elif isinstance(part, Name) and id(part) not in library:
            _check_symbol(place, part.name, step, line)


def _check_function(place: _Place, call: Apply, step: str, line: int) -> None:
    if call.function in place.program.routines or is_elsewhere(call.function):
        return
    function = FUNCTIONS.get(call.function)
    if function is None:
        problem = f"'{call.function}' is neither a standard function nor a subworkflow"
        raise DeploymentError(problem, line=line, step=step)
    if function.kind is Kind.BLOCKING:
        problem = f"'{call.function}' blocks and cannot be used in an expression; call it in a step"
        raise DeploymentError(problem, line=line, step=step)


def _check_symbol(place: _Place, name: str, step: str, line: int) -> None:
    if name not in place.readable and name not in place.program.routines:
        problem = f"symbol '{name}' is neither a variable nor a sub-workflow name"
        raise DeploymentError(problem, line=line, step=step)


def _loop_variables(loop: Loop) -> tuple[str, ...]:
    return (loop.value,) if loop.index is None else (loop.value, loop.index)


_CHECKS: dict[type[Action], Callable[[_Place, Any, Step], None]] = {
    Assign: _check_assign,
    Call: _check_call,
    Switch: _check_switch,
    Loop: _check_loop,
    Parallel: _check_parallel,
    Try: _check_try,
    Raise: _check_raise,
    Return: _check_return,
    Nested: _check_nested,
    Proceed: _check_nothing,
}
