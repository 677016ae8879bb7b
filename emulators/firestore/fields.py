"""Field paths (`a.b`, `` `odd name`.c ``) and what is done along them in a document's fields.

`fields` is always a protobuf map of field name to Value: a document's or a map value's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.messages import Document, Message

FieldPath: TypeAlias = tuple[str, ...]

NAME: FieldPath = ("__name__",)  # stands for the document's own name in filters and orders

_SIMPLE = r"[a-zA-Z_][a-zA-Z_0-9]*"
_QUOTED = r"`(?:[^`\\]|(?:\\.))+`"
_SEGMENT = re.compile(rf"{_SIMPLE}|{_QUOTED}", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=16_384)
def parse_path(text: str) -> FieldPath:
    """Return the field names of a path, quotes and escapes removed."""
    if not text:
        raise InvalidArgumentError("Invalid empty property path string.")
    names: list[str] = []
    position = 0
    while True:
        segment = _SEGMENT.match(text, position)
        if segment is None:
            raise _malformed(text)
        name = segment[0]
        names.append(_ESCAPE.sub(r"\1", name[1:-1]) if name[0] == "`" else name)
        position = segment.end()
        if position == len(text):
            return tuple(names)
        if text[position] != ".":
            raise _malformed(text)
        position += 1


def _malformed(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f'Invalid property path "{text}". Unquoted property paths must match regex '
        r"([a-zA-Z_][a-zA-Z_0-9]*), and quoted property paths must match regex "
        r"(`(?:[^`\\]|(?:\\.))+`)"
    )


def format_path(path: FieldPath) -> str:
    """Return a path as text, quoted where it must be."""
    return ".".join(
        name
        if re.fullmatch(_SIMPLE, name)
        else "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
        for name in path
    )


def lookup(fields: Message, path: FieldPath) -> Message | None:
    """Return the Value at `path`, or None where a part of the path is missing or not a map."""
    for name in path[:-1]:
        value = fields.get(name)  # indexing a protobuf map by a missing name would insert it
        if value is None or not value.HasField("map_value"):
            return None
        fields = value.map_value.fields
    return fields.get(path[-1])


def assign(fields: Message, path: FieldPath, value: Message) -> None:
    """Set the Value at `path`, in place; what stands in the way and is no map becomes one."""
    for name in path[:-1]:
        inner = fields[name]
        if not inner.HasField("map_value"):
            inner.map_value.SetInParent()
        fields = inner.map_value.fields
    fields[path[-1]].CopyFrom(value)


def remove(fields: Message, path: FieldPath) -> None:
    """Remove the field at `path`, in place, if it is there; emptied maps stay."""
    for name in path[:-1]:
        if name not in fields or not fields[name].HasField("map_value"):
            return
        fields = fields[name].map_value.fields
    if path[-1] in fields:
        del fields[path[-1]]


def check_mask(paths: Iterable[FieldPath]) -> tuple[FieldPath, ...]:
    """Return the paths of a mask without repetitions; none may lie within another."""
    unique = tuple(dict.fromkeys(paths))
    known = set(unique)
    for path in unique:
        for length in range(1, len(path)):
            if path[:length] in known:
                raise InvalidArgumentError(
                    f'The field paths "{format_path(path[:length])}" and "{format_path(path)}" '
                    "conflict: one contains the other."
                )
    return unique


def project(document: Message, paths: Iterable[FieldPath]) -> Message:
    """Return a copy of a Document that holds only the fields at `paths`."""
    projected = Document(name=document.name)
    projected.create_time.CopyFrom(document.create_time)
    projected.update_time.CopyFrom(document.update_time)
    for path in paths:
        value = lookup(document.fields, path) if path != NAME else None
        if value is not None:
            assign(projected.fields, path, value)
    return projected
