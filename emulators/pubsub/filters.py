"""The filter language of subscriptions: predicates over a message's attributes.

Grammar (https://cloud.google.com/pubsub/docs/subscription-message-filter), AND and OR never mixed
without parentheses:

    expression = term, { "AND", term } | term, { "OR", term }
    term       = [ "NOT" | "-" ], ( comparison | "(", expression, ")" )
    comparison = "attributes:", key | "attributes.", key, ( "=" | "!=" ), string
               | "hasPrefix", "(", "attributes.", key, ",", string, ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from emulators.pubsub.errors import Refusal, invalid

Predicate = Callable[[Mapping[str, str]], bool]

MAX_FILTER_BYTES: Final = 256

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<word>[A-Za-z0-9_][A-Za-z0-9_-]*)"""
    r"""|(?P<mark>!=|[=().,:\-]))"""
)
_ESCAPE = re.compile(r"\\(.)")


def compile_filter(text: str) -> Predicate:
    """Return the predicate that `text` describes; an invalid filter is refused by its position."""
    if len(text.encode()) > MAX_FILTER_BYTES:
        raise invalid(f"The filter is longer than {MAX_FILTER_BYTES} bytes: {text!r}.")
    parser = _Parser(text)
    predicate = parser.expression()
    parser.expect_end()
    return predicate


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan()
        self._next = 0

    def expression(self) -> Predicate:
        terms = [self._term()]
        joiner = self._peek()
        if joiner not in {"AND", "OR"}:
            return terms[0]
        while self._accept(joiner):
            terms.append(self._term())
        if self._peek() in {"AND", "OR"}:
            raise self._refuse("parentheses, since AND and OR are mixed")
        combine = all if joiner == "AND" else any
        return lambda attributes: combine(term(attributes) for term in terms)

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise self._refuse("the end")

    def _term(self) -> Predicate:
        if self._accept("NOT") or self._accept("-"):
            inner = self._primary()
            return lambda attributes: not inner(attributes)
        return self._primary()

    def _primary(self) -> Predicate:
        if self._accept("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if self._accept("hasPrefix"):
            return self._prefix()
        self._expect("attributes")
        if self._accept(":"):
            key = self._key()
            return lambda attributes: key in attributes
        self._expect(".")
        return self._comparison(self._key())

    def _comparison(self, key: str) -> Predicate:
        if self._accept("="):
            value = self._string()
            return lambda attributes: attributes.get(key) == value
        if self._accept("!="):
            value = self._string()
            # A message without the key is unequal too.
            return lambda attributes: attributes.get(key) != value
        raise self._refuse('"=" or "!="')

    def _prefix(self) -> Predicate:
        for mark in ("(", "attributes", "."):
            self._expect(mark)
        key = self._key()
        self._expect(",")
        prefix = self._string()
        self._expect(")")
        return lambda attributes: key in attributes and attributes[key].startswith(prefix)

    def _key(self) -> str:
        token = self._peek()
        if token.startswith('"'):
            return self._string()
        if not (token[:1].isalnum() or token.startswith("_")):
            raise self._refuse("an attribute key")
        self._next += 1
        return token

    def _string(self) -> str:
        token = self._peek()
        if not token.startswith('"'):
            raise self._refuse("a quoted string")
        self._next += 1
        return _ESCAPE.sub(r"\1", token[1:-1])

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _accept(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._next += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise self._refuse(f'"{token}"')

    def _refuse(self, wanted: str) -> Refusal:
        at = self._tokens[self._next][1] if self._next < len(self._tokens) else len(self._text)
        return invalid(f"Invalid filter {self._text!r}: expected {wanted} at position {at}.")

    def _scan(self) -> list[tuple[str, int]]:
        tokens: list[tuple[str, int]] = []
        position = 0
        end = len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None:
                raise invalid(
                    f"Invalid filter {self._text!r}: unexpected character at position {position}."
                )
            tokens.append((match[match.lastgroup or 0], match.start(match.lastgroup or 0)))
            position = match.end()
        return tokens
