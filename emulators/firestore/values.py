"""Values: their order across types, their equality, their limits and their size.

Order and equality follow one key: a tuple whose first entry is the type's rank, so that two values
of any types compare, integers and doubles by their exact numeric value. Google's documentation of
"value type ordering" is the source of the ranks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.messages import Message
from emulators.firestore.names import encode

OrderKey: TypeAlias = tuple[object, ...]

NULL, BOOLEAN, NUMBER, TIMESTAMP, STRING, BYTES, REFERENCE, GEO_POINT, ARRAY, VECTOR, MAP = range(
    11
)

NAN_KEY: Final[OrderKey] = (NUMBER, 0)
NULL_KEY: Final[OrderKey] = (NULL,)

_LONGEST_VALUE = 1_048_487
_LONGEST_NAME = 1_500
_DEEPEST = 20
_DOCUMENT_LIMIT = 1_048_576
# No value's size by the documented rules exceeds this multiple of its serialised length; the
# worst is a geo point at the origin, 16 bytes of size for 4 on the wire.
_SIZE_PER_WIRE_BYTE = 4

_NOT_STORABLE = frozenset(
    {
        None,
        "field_reference_value",
        "variable_reference_value",
        "function_value",
        "pipeline_value",
    }
)
_RESERVED_NAME = re.compile(r"__.*__\Z", re.DOTALL)
_TYPE_MARK, _VECTOR_MARK, _VECTOR_VALUES = "__type__", "__vector__", "value"


def order_key(value: Message) -> OrderKey:  # noqa: C901, PLR0911 - one branch a type is the table itself
    """Return the tuple that orders `value` among all values and equals that of its equals."""
    match value.WhichOneof("value_type"):
        case "integer_value":
            return (NUMBER, 1, value.integer_value)
        case "double_value":
            number = value.double_value
            return NAN_KEY if math.isnan(number) else (NUMBER, 1, number)
        case "string_value":
            return (STRING, value.string_value)
        case "boolean_value":
            return (BOOLEAN, value.boolean_value)
        case "timestamp_value":
            return (TIMESTAMP, value.timestamp_value.seconds, value.timestamp_value.nanos)
        case "bytes_value":
            return (BYTES, value.bytes_value)
        case "reference_value":
            return (REFERENCE, *reference_key(value.reference_value))
        case "geo_point_value":
            return (GEO_POINT, value.geo_point_value.latitude, value.geo_point_value.longitude)
        case "array_value":
            return (ARRAY, tuple(order_key(element) for element in value.array_value.values))
        case "map_value":
            return _map_key(value.map_value.fields)
        case _:
            return NULL_KEY


def reference_key(name: str) -> tuple[str, bytes]:
    """Return what orders document names: the database, then the path segment by segment."""
    database, _, path = name.partition("/documents/")
    return (database, encode(tuple(path.split("/"))))


def _map_key(fields: Message) -> OrderKey:
    if is_vector(fields):
        elements = vector_elements(fields)
        return (VECTOR, len(elements), tuple(order_key(element) for element in elements))
    return (MAP, tuple((name, order_key(fields[name])) for name in sorted(fields)))


def is_vector(fields: Message) -> bool:
    """Return whether a map value's fields are an embedded vector."""
    return (
        _TYPE_MARK in fields
        and fields[_TYPE_MARK].string_value == _VECTOR_MARK
        and _VECTOR_VALUES in fields
    )


def vector_elements(fields: Message) -> Sequence[Message]:
    """Return the Values of an embedded vector."""
    elements: Sequence[Message] = fields[_VECTOR_VALUES].array_value.values
    return elements


def is_nan(value: Message) -> bool:
    """Return whether a Value is the double NaN."""
    return value.WhichOneof("value_type") == "double_value" and math.isnan(value.double_value)


def is_number(value: Message) -> bool:
    """Return whether a Value is an integer or a double."""
    return value.WhichOneof("value_type") in {"integer_value", "double_value"}


def check_fields(fields: Message) -> None:
    """Check a document's fields against the rules of names, nesting and length.

    Timestamps are cut to microseconds in place, as the store keeps no more. Raises
    InvalidArgumentError in the service's wording.
    """
    for name, value in fields.items():
        check_field_name(name)
        check_value(value, name)


def check_field_name(name: str) -> None:
    """Raise InvalidArgumentError when no field of a document may be called `name`."""
    if name.startswith("__") and _RESERVED_NAME.match(name):
        raise InvalidArgumentError(f"field name {name} is reserved")
    _check_name(name)


def _check_name(name: str) -> None:
    if not name:
        raise InvalidArgumentError("field name cannot be empty")
    if len(name) * 4 > _LONGEST_NAME and len(name.encode()) > _LONGEST_NAME:
        raise InvalidArgumentError(f"The property.name is longer than {_LONGEST_NAME} bytes.")


def check_value(value: Message, field: str, depth: int = 0) -> None:
    """Check one value of the top-level `field`, `depth` maps and arrays below it, as above."""
    match value.WhichOneof("value_type"):
        case "integer_value" | "double_value" | "boolean_value" | "null_value":
            pass  # most values are of these; nothing about them can be wrong
        case "string_value":
            _check_length(value.string_value, field)
        case "bytes_value":
            _check_length(value.bytes_value, field)
        case "timestamp_value":
            value.timestamp_value.nanos -= value.timestamp_value.nanos % 1_000
        case "array_value":
            _check_array(value.array_value, field, depth + 1)
        case "map_value":
            _check_map(value.map_value.fields, field, depth + 1)
        case kind if kind in _NOT_STORABLE:
            raise InvalidArgumentError(
                f'The value of property "{field}" must be of a type that documents hold, '
                f"not {kind or 'unset'}."
            )


def _check_length(content: str | bytes, field: str) -> None:
    if len(content) * 4 <= _LONGEST_VALUE:
        return
    length = len(content.encode()) if isinstance(content, str) else len(content)
    if length > _LONGEST_VALUE:
        raise InvalidArgumentError(
            f'The value of property "{field}" is longer than {_LONGEST_VALUE} bytes.'
        )


def _check_array(array: Message, field: str, depth: int) -> None:
    _check_depth(field, depth)
    for element in array.values:
        if element.HasField("array_value"):
            raise InvalidArgumentError("Nested arrays are not allowed")
        check_value(element, field, depth)


def _check_map(fields: Message, field: str, depth: int) -> None:
    _check_depth(field, depth)
    vector = is_vector(fields)
    for name, value in fields.items():
        if name.startswith("__") and _RESERVED_NAME.match(name) and not vector:
            raise InvalidArgumentError(f"field name '{name}' is reserved.")
        _check_name(name)
        check_value(value, field, depth)


def _check_depth(field: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidArgumentError(f"Property {field} contains an invalid nested entity.")


def check_size(document: Message, wire_bytes: int) -> None:
    """Raise InvalidArgumentError when a Document is over 1 MiB by Firestore's storage size rules.

    `wire_bytes` is its serialised length, which tells without counting that most are not.
    """
    if wire_bytes * _SIZE_PER_WIRE_BYTE > _DOCUMENT_LIMIT and _size(document) > _DOCUMENT_LIMIT:
        raise InvalidArgumentError(f"maximum entity size is {_DOCUMENT_LIMIT} bytes")


def _size(document: Message) -> int:
    return _name_size(document.name) + _fields_size(document.fields) + 32


def _name_size(name: str) -> int:
    segments = name.partition("/documents/")[2].split("/")
    return 16 + sum(len(segment.encode()) + 1 for segment in segments)


def _fields_size(fields: Message) -> int:
    return sum(len(name.encode()) + 1 + _value_size(value) for name, value in fields.items())


def _value_size(value: Message) -> int:  # noqa: PLR0911 - one branch a type is the table itself
    match value.WhichOneof("value_type"):
        case "integer_value" | "double_value" | "timestamp_value":
            return 8
        case "string_value":
            return len(value.string_value.encode()) + 1
        case "bytes_value":
            return len(value.bytes_value)
        case "reference_value":
            return _name_size(value.reference_value)
        case "geo_point_value":
            return 16
        case "array_value":
            return sum(_value_size(element) for element in value.array_value.values)
        case "map_value":
            return _fields_size(value.map_value.fields)
        case _:
            return 1
