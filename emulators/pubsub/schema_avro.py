"""Avro: definitions, and whether a message in one of Avro's two encodings is of them.

Specification: https://avro.apache.org/docs/1.12.0/specification/
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.io import BinaryDecoder, DatumReader
from avro.schema import parse


class AvroDefinition:
    """A schema that reads messages; what is wrong with anything is told by a ValueError."""

    compiled: Final = b""

    def __init__(self, text: str) -> None:
        document = _without_logical_types(_json(text))
        try:
            self._schema: Any = parse(json.dumps(document))
        except Exception as error:  # noqa: BLE001  # what is no schema trips it up in many ways
            raise ValueError(str(error) or type(error).__name__) from None
        _check_defaults(self._schema, set())

    def check_json(self, data: bytes) -> None:
        """Raise when `data` is not one value of the schema in Avro's JSON encoding."""
        if not _conforms(self._schema, _json(data.decode())):
            raise ValueError("no JSON encoding of a value of the schema")

    def check_binary(self, data: bytes) -> None:
        """Raise when `data` is not one value of the schema in Avro's binary encoding."""
        stream = io.BytesIO(data)
        try:
            DatumReader(self._schema, self._schema).read(BinaryDecoder(stream))
        except Exception as error:  # noqa: BLE001  # as above, for data that is no such value
            raise ValueError(str(error) or type(error).__name__) from None
        if stream.read(1):
            raise ValueError("bytes after the value")

    def check_follows(self, earlier: AvroDefinition) -> None:
        """Raise unless each of the two reads what the other has written."""
        for reader, writer in ((self, earlier), (earlier, self)):
            checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
            result = checker.get_compatibility(reader._schema, writer._schema)  # noqa: SLF001  # its own kind
            if result.compatibility is not SchemaCompatibilityType.compatible:
                raise ValueError("; ".join(sorted(map(str, result.messages))))


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is not JSON")


def _without_logical_types(document: Any) -> Any:
    """Return the definition with the underlying types alone: they are what is encoded."""
    if isinstance(document, dict):
        return {
            key: _without_logical_types(value)
            for key, value in document.items()
            if key != "logicalType"
        }
    if isinstance(document, list):
        return [_without_logical_types(one) for one in document]
    return document


def _check_defaults(schema: Any, seen: set[int]) -> None:
    """Raise when a record's field has a default that is not of its type.

    Defaults of records, lists and maps are left alone: inside them unions are written otherwise.
    """
    if id(schema) in seen:
        return
    seen.add(id(schema))
    for field in getattr(schema, "fields", ()):
        _check_defaults(field.type, seen)
        if field.has_default and not any(
            one.type in _NESTING or _conforms(one, field.default) for one in _branches(field.type)
        ):
            raise ValueError(f"the default of {field.name} is not of its type")
    for part in ("items", "values"):
        if (inner := getattr(schema, part, None)) is not None:
            _check_defaults(inner, seen)
    for branch in getattr(schema, "schemas", ()):
        _check_defaults(branch, seen)


def _branches(schema: Any) -> Sequence[Any]:
    return schema.schemas if schema.type == "union" else (schema,)


def _conforms(schema: Any, value: Any) -> bool:
    return _CONFORMING[schema.type](schema, value)


def _whole(bits: int) -> Callable[[Any, Any], bool]:
    limit = 1 << (bits - 1)
    return lambda _, value: type(value) is int and -limit <= value < limit


def _number(_schema: Any, value: Any) -> bool:
    return type(value) in {int, float}


def _bytes(_schema: Any, value: Any) -> bool:
    return isinstance(value, str) and all(ord(one) < 256 for one in value)


def _fixed(schema: Any, value: Any) -> bool:
    return _bytes(schema, value) and len(value) == schema.size


def _array(schema: Any, value: Any) -> bool:
    return isinstance(value, list) and all(_conforms(schema.items, one) for one in value)


def _map(schema: Any, value: Any) -> bool:
    return isinstance(value, dict) and all(_conforms(schema.values, one) for one in value.values())


def _union(schema: Any, value: Any) -> bool:
    """A union's value is null, or an object whose one key names the branch."""
    branches = {getattr(one, "fullname", one.type): one for one in schema.schemas}
    if value is None:
        return "null" in branches
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((name, inner),) = value.items()
    return name in branches and name != "null" and _conforms(branches[name], inner)


def _record(schema: Any, value: Any) -> bool:
    """A record's value has every field, those with a default included; others are passed over."""
    return isinstance(value, dict) and all(
        field.name in value and _conforms(field.type, value[field.name]) for field in schema.fields
    )


_NESTING: Final = frozenset({"array", "map", "record", "error"})
_CONFORMING: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "null": lambda _, value: value is None,
    "boolean": lambda _, value: isinstance(value, bool),
    "int": _whole(32),
    "long": _whole(64),
    "float": _number,
    "double": _number,
    "string": lambda _, value: isinstance(value, str),
    "bytes": _bytes,
    "fixed": _fixed,
    "enum": lambda schema, value: value in schema.symbols,
    "array": _array,
    "map": _map,
    "union": _union,
    "record": _record,
    "error": _record,
}
