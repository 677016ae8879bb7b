"""JMESPath expressions from outside, parsed and evaluated within limits.

JMESPath has no loops, but a short expression can double what it holds at each step, and functions
then write all of it out. So length, nesting and growth are bounded before evaluation, and the number
of steps during it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter
from pydantic import AfterValidator, Field

from hydrobid.schema.findings import one_of

MAX_LENGTH = 500
MAX_NESTING = 20
MAX_GROWTH = 64
MAX_CALLS = 10
MAX_STEPS = 100_000
_TEXTS = re.compile(r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"")
# What only repeats its first part's value goes by that part's fields.
_LEADING = {
    "subexpression",
    "index_expression",
    "pipe",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
}

Node = Mapping[str, Any]


class ExpressionRefused(ValueError):
    """An expression is none, or could take too long; or its evaluation failed."""


@dataclass
class Budget:
    """Steps that are left."""

    left: int = 20_000_000


@dataclass(frozen=True, eq=False)
class Expression:
    """An expression within limits. roots: the fields of the document at which it begins."""

    text: str
    node: Node
    roots: frozenset[str]

    @property
    def path(self) -> tuple[str, ...] | None:
        """The fields that it goes through, where it is nothing but a way to one."""
        nodes = self.node["children"] if self.node["type"] == "subexpression" else [self.node]
        names = [node["value"] for node in nodes if node["type"] == "field"]
        return tuple(names) if len(names) == len(nodes) else None

    def value_in(self, document: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """Return what the expression finds; None where it finds nothing.

        budget: of the steps of many evaluations together.

        Raises:
            ExpressionRefused: a function got what it does not take, or steps ran out.
        """
        if self.node["type"] == "field":
            return document.get(self.node["value"])
        interpreter = _Interpreter(MAX_STEPS if budget is None else min(MAX_STEPS, budget.left))
        try:
            return interpreter.visit(self.node, document)
        except (JMESPathError, TypeError, ValueError, OverflowError) as error:
            raise ExpressionRefused(f"{self.text}: {error}") from None
        finally:
            if budget is not None:
                budget.left -= interpreter.taken


class _Interpreter(TreeInterpreter):
    """Evaluates one expression on one document, and counts."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self.taken = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self.taken += 1
        if self.taken > self._limit:
            raise ExpressionRefused(f"more than {self._limit} steps")
        return super().visit(node, *args, **kwargs)


@lru_cache(maxsize=4096)
def expression(text: str) -> Expression:
    """Return the expression that a text states.

    Raises:
        ExpressionRefused: it is no JMESPath, or beyond a limit.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionRefused(f"an expression of at most {MAX_LENGTH} characters")
    bare = _TEXTS.sub("", text)
    if sum(bare.count(opening) for opening in "([{!") > MAX_NESTING:
        raise ExpressionRefused(f"an expression with at most {MAX_NESTING} brackets")
    try:
        node = jmespath.compile(text).parsed
    except (JMESPathError, ValueError, RecursionError) as error:
        raise ExpressionRefused(f"a JMESPath expression: {_first_line(error)}") from None
    growth, calls = 1, 0
    for part in _nodes(node):
        if part["type"] in ("multi_select_list", "multi_select_dict"):
            growth *= max(len(part["children"]), 1)
        if part["type"] == "function_expression":
            calls += 1
            if part["value"] not in Functions.FUNCTION_TABLE:
                known = one_of(part["value"], Functions.FUNCTION_TABLE)
                raise ExpressionRefused(f"a function of JMESPath for {part['value']}: {known}")
    if growth > MAX_GROWTH or calls > MAX_CALLS:
        raise ExpressionRefused(
            f"an expression that copies what it finds at most {MAX_GROWTH} times, "
            f"with at most {MAX_CALLS} functions"
        )
    return Expression(text, node, frozenset(_roots(node)))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node["children"]:
        if isinstance(child, Mapping):
            yield from _nodes(child)


def _roots(node: Node) -> Iterator[str]:
    """Yield the fields that are looked up in the document itself."""
    if node["type"] == "field":
        yield node["value"]
    children = [child for child in node["children"] if isinstance(child, Mapping)]
    for child in children[:1] if node["type"] in _LEADING else children:
        yield from _roots(child)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _checked(text: str) -> str:
    expression(text)
    return text


ExpressionText = Annotated[
    str, Field(min_length=1, max_length=MAX_LENGTH), AfterValidator(_checked)
]
