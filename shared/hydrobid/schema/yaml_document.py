"""YAML as operators write it, read within limits.

Scalars follow YAML 1.2's core schema rather than PyYAML's 1.1: `NO` is text and not false, 12:00 is
text and not 720. Keys are always text. Documents come from outside, so size, depth and what aliases
expand to are bounded, tags are refused and a key that stands twice is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.findings import Findings, Place, cut

MAX_BYTES = 5_000_000
MAX_DEPTH = 20
MAX_NODES = 200_000
MAX_NUMBER = 40

_WORDS: dict[str, bool | float | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
# libyaml where PyYAML was built with it: about ten times as fast, with the same events.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(content: bytes, document: str) -> Any:
    """Return the mappings, lists and scalars that a YAML document holds.

    Raises:
        InvalidInput: it is no YAML, or beyond a limit; the field is a line or a path.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput.of(document, "size", len(content), f"at most {MAX_BYTES} bytes")
    try:
        events = yaml.parse(content.decode("utf-8-sig"), Loader=_Loader)
        return _Builder(events).build(Place(Findings(), document))
    except UnicodeDecodeError as error:
        raise InvalidInput.of(document, f"byte {error.start}", None, "text in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        field = "content" if mark is None else f"line {mark.line + 1}"
        raise InvalidInput.of(document, field, error.problem, "well-formed YAML") from None
    except yaml.YAMLError as error:
        raise InvalidInput.of(document, "content", cut(str(error)), "well-formed YAML") from None


class _Builder:
    """Builds plain data from parser events and counts what aliases would expand to."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, Any] = {}
        self._nodes = 0

    def build(self, place: Place) -> Any:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        content = self._node(next(self._events), place, 1)
        next(self._events)  # the end of the document
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            _refuse(place, "a second document", "one document in a file")
        return content

    def _node(self, event: yaml.Event, place: Place, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, place, depth)
        self._count(place, 1, depth)
        # Every event that is no alias and can start a node has a tag and an anchor.
        tag, anchor = getattr(event, "tag", None), getattr(event, "anchor", None)
        if tag not in (None, "!"):
            _refuse(place, tag, "a value without a tag")
        node: Any
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(place, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(place, depth)
        else:
            node = _scalar(event)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _mapping(self, place: Place, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _refuse(place, "a key that is no text", "text before each colon")
            key = event.value
            if key in result:
                _refuse(place / key, "a field that stands twice", "each field once")
            result[key] = self._node(next(self._events), place / key, depth + 1)
        return result

    def _list(self, place: Place, depth: int) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            result.append(self._node(event, place / len(result), depth + 1))
        return result

    def _aliased(self, event: yaml.AliasEvent, place: Place, depth: int) -> Any:
        # An anchor is known once its node is complete, so no node can hold itself.
        if event.anchor not in self._anchors:
            _refuse(place, f"*{event.anchor}", f"an anchor &{event.anchor} before it")
        node = self._anchors[event.anchor]
        nodes, height = _extent(node)
        self._count(place, nodes, depth + height - 1)
        return node

    def _count(self, place: Place, nodes: int, depth: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            _refuse(
                place, f"more than {MAX_NODES} values", f"at most {MAX_NODES}, aliases expanded"
            )
        if depth > MAX_DEPTH:
            _refuse(place, f"{depth} levels", f"at most {MAX_DEPTH} levels")


def _scalar(event: Any) -> Any:
    text: str = event.value
    plain = event.implicit[0]
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    # A longer number cannot be meant as one; as text it is refused by the field's own name.
    if len(text) <= MAX_NUMBER:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _extent(node: Any) -> tuple[int, int]:
    """Return how many values a node holds, itself included, and how many levels."""
    if not isinstance(node, dict | list):
        return 1, 1
    parts = [_extent(part) for part in (node.values() if isinstance(node, dict) else node)]
    return 1 + sum(nodes for nodes, _ in parts), 1 + max((height for _, height in parts), default=0)


def _refuse(place: Place, value: Any, expected: str) -> NoReturn:
    raise InvalidInput([place.problem(value, expected)])
