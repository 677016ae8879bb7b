"""Which variables steps bring into the scope that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emulators.workflows.steps import Assign, Call, Nested, Step, Switch, Try


def declared_by(steps: Iterable[Step]) -> frozenset[str]:
    """Return the variables that steps assign in their own scope.

    Loops, except blocks and parallel branches have scopes of their own and bring nothing out.
    """
    return frozenset(name for step in steps for name in _declared_by_step(step))


def _declared_by_step(step: Step) -> Iterator[str]:
    match step.action:
        case Assign(assignments):
            # A path needs a variable that exists: it does not make one.
            yield from (item.variable for item in assignments if not item.path)
        case Call(result=str(result)):
            yield result
        case Switch(conditions):
            for condition in conditions:
                if condition.body is not None:
                    yield from declared_by(condition.body.steps)
        case Try(body=body) | Nested(body=body):
            yield from declared_by(body.steps)
