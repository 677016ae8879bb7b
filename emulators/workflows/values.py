"""Values of the language: their types, sizes, equality, paths into them and their JSON.

A value is None, bool, int, float, str, bytes, a list or a map of values, or a reference to a
function. Values are never changed in place: whoever writes into a list or a map makes new
containers along the path, so variables can share structure and still behave as copies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from emulators.workflows.errors import index_error, key_error, type_error, value_error

if TYPE_CHECKING:
    from collections.abc import Sequence

Value: TypeAlias = Any

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_SCALAR_BYTES = 8
_BYTES_TAG = "\x00bytes"


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function used as a value, as in `predicate: ${http.default_retry_predicate}`."""

    name: str


_TYPE_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    FunctionReference: "function",
}


def type_name(value: Value) -> str:
    """Return the language's name of the value's type."""
    return _TYPE_NAMES[type(value)]


def is_number(value: Value) -> bool:
    """Tell whether the value is an integer or a double; a boolean is neither."""
    return type(value) in (int, float)


def equal(left: Value, right: Value) -> bool:
    """Tell whether two values are equal: deeply, numbers across types, nothing else across types."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def size_of(value: Value) -> int:
    """Return the bytes a value counts for, by the rules of Google's page on variables."""
    if isinstance(value, str):
        return _SCALAR_BYTES + (len(value) if value.isascii() else len(value.encode()))
    if isinstance(value, bytes):
        return _SCALAR_BYTES + len(value)
    if isinstance(value, list):
        return _SCALAR_BYTES + sum(map(size_of, value))
    if isinstance(value, dict):
        return _SCALAR_BYTES + sum(map(size_of, value)) + sum(map(size_of, value.values()))
    return _SCALAR_BYTES


def checked_integer(number: int) -> int:
    """Return the integer, or raise a ValueError when 64 bits do not hold it."""
    if INTEGER_MIN <= number <= INTEGER_MAX:
        return number
    raise value_error(f"integer overflow: {number} does not fit into 64 bits")


def item_of(container: Value, key: Value) -> Value:
    """Return `container[key]`: KeyError, IndexError or TypeError when there is no such item."""
    if isinstance(container, dict):
        if not isinstance(key, str):
            raise type_error(f"a map key must be a string, not {type_name(key)}")
        if key not in container:
            raise key_error(key)
        return container[key]
    if isinstance(container, list):
        return container[_checked_index(container, key)]
    raise type_error(f"{type_name(container)} cannot be indexed with {type_name(key)}")


def with_item(container: Value, path: Sequence[Value], new: Value) -> Value:
    """Return a copy of `container` whose item at `path` is `new`.

    Maps that are missing on the way are made; a list index must exist.
    """
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(container, list):
        index = _checked_index(container, key)
        return [*container[:index], with_item(container[index], rest, new), *container[index + 1 :]]
    if isinstance(container, dict):
        if not isinstance(key, str):
            raise type_error(f"a map key must be a string, not {type_name(key)}")
        inner = container.get(key, {}) if rest else None
        return {**container, key: with_item(inner, rest, new)}
    raise type_error(f"{type_name(container)} has no items that could be assigned")


def _checked_index(container: list[Value], index: Value) -> int:
    if type(index) is not int:
        raise type_error(f"a list index must be an integer, not {type_name(index)}")
    if not 0 <= index < len(container):
        raise index_error(index, len(container))
    return index


def to_json(value: Value, indent: int | None = None) -> str:
    """Return the value as JSON text; bytes, functions and non-finite doubles raise a TypeError."""
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        return json.dumps(
            value,
            default=_refuse,
            indent=indent,
            separators=separators,
            ensure_ascii=False,
            allow_nan=False,
        )
    except ValueError as error:
        raise type_error(f"value cannot be encoded to JSON: {error}") from error


def from_json(text: str | bytes) -> Value:
    """Return the value of JSON text, or raise a ValueError that says where it is malformed."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise value_error(f"cannot decode JSON: {error}") from error
    spelled = text.lower()
    halves = rb"\ud" in spelled if isinstance(spelled, bytes) else r"\ud" in spelled
    return _whole(value) if halves else value


def whole_text(text: str) -> str:
    """Return text that every encoding can hold: U+FFFD for each half of a surrogate pair alone."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _whole(value: Value) -> Value:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {whole_text(key): _whole(item) for key, item in value.items()}
    return value


def dump(value: Value) -> str:
    """Return the value as text that `load` restores exactly, bytes and infinities included."""
    return json.dumps(value, default=_tag_bytes, separators=(",", ":"))


def load(text: str) -> Value:
    """Return the value that `dump` wrote."""
    return json.loads(text, object_hook=_untag_bytes)


def _refuse(value: object) -> Value:
    raise type_error(f"{type_name(value)} cannot be encoded to JSON")


def _refuse_constant(name: str) -> Value:
    raise ValueError(f"{name} is not JSON")


def _tag_bytes(value: object) -> Value:
    if isinstance(value, bytes):
        return {_BYTES_TAG: value.hex()}
    raise TypeError(f"{type(value).__name__} is not a value that can be kept")


def _untag_bytes(document: dict[str, Value]) -> Value:
    if len(document) == 1 and _BYTES_TAG in document:
        return bytes.fromhex(document[_BYTES_TAG])
    return document
