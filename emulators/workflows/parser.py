"""From a source to its step tree: every construct of the language, and the errors of its form."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from emulators.workflows import limits
from emulators.workflows.errors import DeploymentError
from emulators.workflows.reading import at_most, child_of, fields_of, items_of, next_of, variable_of
from emulators.workflows.source import Node, parse_source
from emulators.workflows.steps import (
    Action,
    Block,
    Branch,
    Call,
    Condition,
    Except,
    Loop,
    Nested,
    Parallel,
    Parameter,
    Proceed,
    Program,
    Raise,
    Retry,
    Return,
    Routine,
    Step,
    Switch,
    Try,
)
from emulators.workflows.steps import Assign as AssignAction
from emulators.workflows.templates import assignment, template

_ActionParser: TypeAlias = Callable[[str, Node], Action]


def parse_program(text: str) -> Program:
    """Return the step tree of a YAML or JSON source, or raise a DeploymentError."""
    root = parse_source(text)
    if isinstance(root.value, tuple):
        main = Routine("main", (), _block(root, "main"), root.line)
        return Program({"main": main})
    if not isinstance(root.value, dict):
        raise DeploymentError("a source is a list of steps or a map of routines", line=root.line)
    routines = {name: _routine(name, node) for name, node in root.value.items()}
    if "main" not in routines:
        raise DeploymentError("main workflow not found", line=root.line)
    main = routines["main"]
    if len(main.parameters) > 1:
        raise DeploymentError("main takes at most one parameter", line=main.line)
    return Program(routines)


def _routine(name: str, node: Node) -> Routine:
    variable_of(name, node, name)
    if isinstance(node.value, tuple):
        return Routine(name, (), _block(node, name), node.line)
    fields = fields_of(node, name, required={"steps"}, optional={"params"})
    parameters = (
        tuple(_parameter(item, name) for item in items_of(fields["params"], name, "params"))
        if "params" in fields
        else ()
    )
    return Routine(name, parameters, _block(fields["steps"], name), node.line)


def _parameter(node: Node, routine: str) -> Parameter:
    if isinstance(node.value, dict) and len(node.value) == 1:
        ((name, default),) = node.value.items()
        return Parameter(variable_of(name, node, routine), template(default, routine))
    return Parameter(variable_of(node.value, node, routine), None)


def _block(node: Node, owner: str) -> Block:
    steps = tuple(_step(item, owner) for item in items_of(node, owner, "steps"))
    if not steps:
        raise DeploymentError("at least one step is needed", line=node.line, step=owner)
    seen: set[str] = set()
    for step in steps:
        if step.name in seen:
            problem = f"duplicate step name '{step.name}'"
            raise DeploymentError(problem, line=step.line, step=step.name)
        seen.add(step.name)
    return Block(steps)


def _step(node: Node, owner: str) -> Step:
    if not isinstance(node.value, dict) or len(node.value) != 1:
        problem = "a step is a map with one key, the step's name"
        raise DeploymentError(problem, line=node.line, step=owner)
    ((name, body),) = node.value.items()
    if not isinstance(body.value, dict):
        problem = f"a step's body is a map, not {body.plain()!r}"
        raise DeploymentError(problem, line=body.line, step=name)
    return Step(name, _action(name, body), next_of(body.value, name), body.line)


def _action(name: str, body: Node) -> Action:
    fields = fields_of(body, name, optional=_STEP_KEYS)
    kinds = [key for key in fields if key in _ACTIONS]
    if len(kinds) > 1:
        problem = f"a step does one thing, not both '{kinds[0]}' and '{kinds[1]}'"
        raise DeploymentError(problem, line=fields[kinds[1]].line, step=name)
    if not kinds:
        if set(fields) != {"next"}:
            raise DeploymentError("the step does nothing", line=body.line, step=name)
        return Proceed()
    kind = kinds[0]
    for key in fields:
        if key != kind and key not in _COMPANIONS[kind]:
            problem = f"'{key}' cannot stand beside '{kind}'"
            raise DeploymentError(problem, line=fields[key].line, step=name)
    return _ACTIONS[kind](name, body)


def _body(node: Node, owner: str) -> Block:
    """Return the steps of a construct, which may also hold the fields of a single step itself."""
    if isinstance(node.value, tuple):
        return _block(node, owner)
    fields = fields_of(node, owner, optional=_STEP_KEYS | {"steps"})
    if set(fields) == {"steps"}:
        return _block(fields["steps"], owner)
    return Block((Step(owner, _action(owner, node), next_of(fields, owner), node.line),))


def _assign(name: str, body: Node) -> Action:
    node = child_of(body, "assign")
    items = (
        tuple(Node({key: value}, value.line) for key, value in node.value.items())
        if isinstance(node.value, dict)
        else items_of(node, name, "assign")
    )
    at_most(limits.ASSIGNMENTS_PER_STEP, items, "assignments", node, name)
    return AssignAction(tuple(assignment(item, name) for item in items))


def _call(name: str, body: Node) -> Action:
    fields = fields_of(body, name, optional=_STEP_KEYS)
    function = fields["call"].value
    if not isinstance(function, str) or not re.fullmatch(r"\w+(\.\w+)*", function):
        problem = f"call needs the name of a function, not {function!r}"
        raise DeploymentError(problem, line=fields["call"].line, step=name)
    arguments = template(fields.get("args", Node({}, body.line)), name)
    result = fields.get("result")
    variable = None if result is None else variable_of(result.value, result, name)
    return Call(function, arguments, variable)


def _switch(name: str, body: Node) -> Action:
    node = child_of(body, "switch")
    items = items_of(node, name, "switch")
    at_most(limits.CONDITIONS_PER_SWITCH, items, "conditions", node, name)
    return Switch(tuple(_condition(item, name) for item in items))


def _condition(node: Node, name: str) -> Condition:
    fields = fields_of(node, name, required={"condition"}, optional=_STEP_KEYS)
    test = template(fields["condition"], name)
    rest = {key: value for key, value in fields.items() if key not in ("condition", "next")}
    target = next_of(fields, name)
    if not rest and target is None:
        problem = "a condition needs 'next' or something to do"
        raise DeploymentError(problem, line=node.line, step=name)
    return Condition(test, _body(Node(rest, node.line), name) if rest else None, target, node.line)


def _for(name: str, body: Node) -> Action:
    return _loop(child_of(body, "for"), name)


def _loop(node: Node, name: str) -> Loop:
    optional = {"index", "in", "range"}
    fields = fields_of(node, name, required={"value", "steps"}, optional=optional)
    if ("in" in fields) == ("range" in fields):
        raise DeploymentError("for needs either 'in' or 'range'", line=node.line, step=name)
    index = fields.get("index")
    return Loop(
        value=variable_of(fields["value"].value, fields["value"], name),
        index=None if index is None else variable_of(index.value, index, name),
        items=template(fields["in"], name) if "in" in fields else None,
        ends=template(fields["range"], name) if "range" in fields else None,
        body=_block(fields["steps"], name),
    )


def _parallel(name: str, body: Node) -> Action:
    node = child_of(body, "parallel")
    optional = {"shared", "concurrency_limit", "exception_policy", "branches", "for"}
    fields = fields_of(node, name, optional=optional)
    if ("branches" in fields) == ("for" in fields):
        problem = "parallel needs either 'branches' or 'for'"
        raise DeploymentError(problem, line=node.line, step=name)
    policy = fields.get("exception_policy")
    if policy is not None and policy.value != "continueAll":
        problem = f"exception_policy is continueAll, not {policy.plain()!r}"
        raise DeploymentError(problem, line=policy.line, step=name)
    shared = items_of(fields["shared"], name, "shared") if "shared" in fields else ()
    limit = fields.get("concurrency_limit")
    return Parallel(
        shared=tuple(variable_of(item.value, item, name) for item in shared),
        concurrency_limit=None if limit is None else template(limit, name),
        work=_loop(fields["for"], name) if "for" in fields else _branches(fields["branches"], name),
    )


def _branches(node: Node, name: str) -> tuple[Branch, ...]:
    items = items_of(node, name, "branches")
    at_most(limits.BRANCHES_PER_PARALLEL_STEP, items, "branches", node, name)
    branches = []
    for item in items:
        if not isinstance(item.value, dict) or len(item.value) != 1:
            problem = "a branch is a map with one key, the branch's name"
            raise DeploymentError(problem, line=item.line, step=name)
        ((branch, body),) = item.value.items()
        branches.append(Branch(branch, _body(body, branch), body.line))
    if len({branch.name for branch in branches}) < len(branches):
        raise DeploymentError("duplicate branch name", line=node.line, step=name)
    return tuple(branches)


def _try(name: str, body: Node) -> Action:
    fields = fields_of(body, name, optional=_STEP_KEYS)
    if "retry" not in fields and "except" not in fields:
        raise DeploymentError("try needs 'retry' or 'except'", line=body.line, step=name)
    return Try(
        body=_body(fields["try"], name),
        retry=_retry(fields["retry"], name) if "retry" in fields else None,
        handler=_except(fields["except"], name) if "except" in fields else None,
    )


def _retry(node: Node, name: str) -> Retry:
    if not isinstance(node.value, dict):
        return Retry(template(node, name), None, None, None)
    fields = fields_of(node, name, optional={"predicate", "max_retries", "backoff"})
    if "backoff" in fields and isinstance(fields["backoff"].value, dict):
        delays = {"initial_delay", "max_delay", "multiplier"}
        fields_of(fields["backoff"], name, required=delays)
    given = {key: template(value, name) for key, value in fields.items()}
    return Retry(None, given.get("predicate"), given.get("max_retries"), given.get("backoff"))


def _except(node: Node, name: str) -> Except:
    fields = fields_of(node, name, optional=_STEP_KEYS | {"as"})
    variable = fields.get("as")
    rest = Node({key: value for key, value in fields.items() if key != "as"}, node.line)
    return Except(
        None if variable is None else variable_of(variable.value, variable, name), _body(rest, name)
    )


def _raise(name: str, body: Node) -> Action:
    return Raise(template(child_of(body, "raise"), name))


def _return(name: str, body: Node) -> Action:
    return Return(template(child_of(body, "return"), name))


def _steps(name: str, body: Node) -> Action:
    return Nested(_block(child_of(body, "steps"), name))


_ACTIONS: dict[str, _ActionParser] = {
    "assign": _assign,
    "call": _call,
    "for": _for,
    "parallel": _parallel,
    "raise": _raise,
    "return": _return,
    "steps": _steps,
    "switch": _switch,
    "try": _try,
}
_COMPANIONS: dict[str, set[str]] = {
    **{kind: {"next"} for kind in _ACTIONS},
    "call": {"args", "result", "next"},
    "try": {"retry", "except", "next"},
    "return": set(),
    "raise": set(),
}
_STEP_KEYS = set(_ACTIONS) | {"args", "except", "next", "result", "retry"}
