"""The step tree: what a deployed source says, ready to be checked and run.

Every place of a source that takes a value holds an expression; a value without `${}` in it is a
literal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from emulators.workflows.expressions import Expression

END, BREAK, CONTINUE = "end", "break", "continue"


@dataclass(frozen=True, slots=True)
class Block:
    """Steps that run one after another, and where each of them stands."""

    steps: tuple[Step, ...]
    positions: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        positions = {step.name: position for position, step in enumerate(self.steps)}
        object.__setattr__(self, "positions", positions)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One assignment: a variable, the path into it, and the value."""

    variable: str
    path: tuple[Expression, ...]
    value: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Assign:
    """`assign`: assignments in order."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`call`: a function, connector or subworkflow with named arguments."""

    function: str
    arguments: Expression
    result: str | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a switch: what it runs when it is true, then where it goes."""

    test: Expression
    body: Block | None
    next: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Switch:
    """`switch`: the first condition that is true is taken."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for`: over `items`, or over an inclusive range whose two `ends` are given as a list."""

    value: str
    index: str | None
    items: Expression | None
    ends: Expression | None
    body: Block


@dataclass(frozen=True, slots=True)
class Branch:
    """One named branch of a parallel step."""

    name: str
    body: Block
    line: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """`parallel`: branches or a loop; `shared` names the outer variables they may write."""

    shared: tuple[str, ...]
    concurrency_limit: Expression | None
    work: tuple[Branch, ...] | Loop


@dataclass(frozen=True, slots=True)
class Retry:
    """`retry`: a whole policy such as http.default_retry, or its parts; a part left out is None."""

    policy: Expression | None
    predicate: Expression | None
    max_retries: Expression | None
    backoff: Expression | None


@dataclass(frozen=True, slots=True)
class Except:
    """`except`: the variable that receives the error, and what handles it."""

    variable: str | None
    body: Block


@dataclass(frozen=True, slots=True)
class Try:
    """`try`, with its `retry` and `except`."""

    body: Block
    retry: Retry | None
    handler: Except | None


@dataclass(frozen=True, slots=True)
class Raise:
    """`raise`: ends the block with an error."""

    error: Expression


@dataclass(frozen=True, slots=True)
class Return:
    """`return`: ends the routine with a value."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Nested:
    """`steps`: a step made of steps."""

    body: Block


@dataclass(frozen=True, slots=True)
class Proceed:
    """A step that only says where to go next."""


Action: TypeAlias = (
    Assign | Call | Switch | Loop | Parallel | Try | Raise | Return | Nested | Proceed
)


@dataclass(frozen=True, slots=True)
class Step:
    """One named step; `next` is a step's name, `end`, `break` or `continue`."""

    name: str
    action: Action
    next: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a routine; without a default it must be given."""

    name: str
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Routine:
    """`main` or a subworkflow."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Block
    line: int


@dataclass(frozen=True, slots=True)
class Program:
    """A whole source: its routines by name, `main` among them."""

    routines: Mapping[str, Routine]

    @property
    def main(self) -> Routine:
        """The routine that an execution starts with."""
        return self.routines["main"]
