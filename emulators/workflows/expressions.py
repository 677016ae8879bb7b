"""Expressions, the text between `${` and `}`: their tree and the parser that makes it.

Grammar: Google's "Expressions" and "Data types" pages. Logical operators are lower or upper case,
strings take double or single quotes, comparison binds tighter than `not`, which binds tighter than
`and` and `or`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from emulators.workflows.values import Value, whole_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is known when the source is deployed."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or a subworkflow used as a value."""

    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`target.key` or `target[key]`; `dotted` tells the two apart for names like http.default_retry."""

    target: Expression
    key: Expression
    dotted: bool


@dataclass(frozen=True, slots=True)
class Apply:
    """A call of a standard function or a subworkflow with positional arguments."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list with expressions in it."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with expressions in it; the keys are expressions too and must give strings."""

    items: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` or `not x`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """An arithmetic, comparison or membership operator between two operands."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical:
    """`and` or `or`; the right operand is evaluated only when it decides."""

    operator: str
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Name | Item | Apply | ListOf | MapOf | Unary | Binary | Logical


class ExpressionSyntaxError(Exception):
    """Text that is no expression; says where and what was found there."""


_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction | disjunction _OR conjunction -> either
?conjunction: negation | conjunction _AND negation -> both
?negation: comparison | _NOT negation -> negate
?comparison: sum | comparison COMPARE sum -> binary
?sum: product | sum ADD product -> binary
?product: sign | product MULTIPLY sign -> binary
?sign: postfix | "-" sign -> minus
?postfix: atom
    | postfix "." NAME -> field
    | postfix "[" disjunction "]" -> index
    | postfix "(" [disjunction ("," disjunction)*] ")" -> apply
?atom: NAME -> name
    | INTEGER -> integer
    | DOUBLE -> double
    | STRING -> string
    | TRUE -> true
    | FALSE -> false
    | NULL -> null
    | "(" disjunction ")"
    | "[" [disjunction ("," disjunction)* ","?] "]" -> list_of
    | "{" [entry ("," entry)* ","?] "}" -> map_of
entry: disjunction ":" disjunction

_OR.2: /(or|OR)(?!\w)/
_AND.2: /(and|AND)(?!\w)/
_NOT.2: /(not|NOT)(?!\w)/
TRUE.2: /(true|True|TRUE)(?!\w)/
FALSE.2: /(false|False|FALSE)(?!\w)/
NULL.2: /null(?!\w)/
COMPARE.3: /==|!=|<=|>=|<|>|(not|NOT)\s+(in|IN)(?!\w)|(in|IN)(?!\w)/
ADD.1: /[+-]/
MULTIPLY.1: /\/\/|[*\/%]/
NAME: /[A-Za-z_]\w*/
DOUBLE.1: /\d+\.\d+([eE][+-]?\d+)?|\d+[eE][+-]?\d+/
INTEGER: /\d+/
STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
%ignore /\s+/
"""


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Expression]):
    def either(self, left: Expression, right: Expression) -> Expression:
        return Logical("or", left, right)

    def both(self, left: Expression, right: Expression) -> Expression:
        return Logical("and", left, right)

    def negate(self, operand: Expression) -> Expression:
        return Unary("not", operand)

    def minus(self, operand: Expression) -> Expression:
        if isinstance(operand, Literal) and type(operand.value) in (int, float):
            return Literal(-operand.value)
        return Unary("-", operand)

    def binary(self, left: Expression, operator: Token, right: Expression) -> Expression:
        return Binary(" ".join(operator.lower().split()), left, right)

    def field(self, target: Expression, name: Token) -> Expression:
        return Item(target, Literal(str(name)), dotted=True)

    def index(self, target: Expression, key: Expression) -> Expression:
        return Item(target, key, dotted=False)

    def apply(self, target: Expression, *arguments: Expression | None) -> Expression:
        function = dotted_name(target)
        if function is None:
            raise ExpressionSyntaxError("only a function or a subworkflow can be called")
        return Apply(function, tuple(a for a in arguments if a is not None))

    def name(self, token: Token) -> Expression:
        return Name(str(token))

    def integer(self, token: Token) -> Expression:
        return Literal(int(token))

    def double(self, token: Token) -> Expression:
        return Literal(float(token))

    def string(self, token: Token) -> Expression:
        return Literal(_unescaped(token))

    def true(self, _: Token) -> Expression:
        return Literal(True)

    def false(self, _: Token) -> Expression:
        return Literal(False)

    def null(self, _: Token) -> Expression:
        return Literal(None)

    def list_of(self, *items: Expression | None) -> Expression:
        return ListOf(tuple(item for item in items if item is not None))

    def entry(self, key: Expression, value: Expression) -> tuple[Expression, Expression]:
        return key, value

    def map_of(self, *items: tuple[Expression, Expression] | None) -> Expression:
        return MapOf(tuple(item for item in items if item is not None))


def dotted_name(target: Expression) -> str | None:
    """Return the name that a chain of dots spells, such as `text.split`; None when it is none."""
    if isinstance(target, Name):
        return target.name
    if isinstance(target, Item) and target.dotted and isinstance(target.key, Literal):
        prefix = dotted_name(target.target)
        return None if prefix is None else f"{prefix}.{target.key.value}"
    return None


def parse_expression(text: str) -> Expression:
    """Return the tree of an expression's text, without its `${` and `}`."""
    try:
        return _parser().parse(text)  # type: ignore[return-value] # the transformer makes the tree
    except VisitError as error:
        raise ExpressionSyntaxError(str(error.orig_exc)) from error
    except UnexpectedInput as error:
        place = error.column - 1
        found = repr(text[place : place + 10]) if 0 <= place < len(text) else "end"
        problem = f"unexpected {found} in expression {text!r}, column {error.column}"
        raise ExpressionSyntaxError(problem) from error


def parts(node: Expression) -> Iterator[Expression]:
    """Yield the node and every expression inside it."""
    yield node
    match node:
        case Item(target, key):
            children: tuple[Expression, ...] = (target, key)
        case Apply(_, arguments):
            children = arguments
        case ListOf(items):
            children = items
        case MapOf(entries):
            children = tuple(part for entry in entries for part in entry)
        case Unary(_, operand):
            children = (operand,)
        case Binary(_, left, right) | Logical(_, left, right):
            children = (left, right)
        case _:
            children = ()
    for child in children:
        yield from parts(child)


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_TreeBuilder(), maybe_placeholders=False)


def _unescaped(token: Token) -> str:
    body = token[1:-1]
    if token[0] == "'":
        body = body.replace("\\'", "'").replace('"', '\\"')
    try:
        return whole_text(json.loads(f'"{body}"', strict=False))
    except ValueError:
        raise ExpressionSyntaxError(f"unknown escape sequence in string {token}") from None
