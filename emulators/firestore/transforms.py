"""Field transforms: what a write asks the server to compute from the value that is stored."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.fields import FieldPath, assign, lookup, parse_path
from emulators.firestore.messages import Message, Value, write_timestamp
from emulators.firestore.values import check_field_name, check_value, is_number, order_key

_MOST_TRANSFORMS = 500
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_REQUEST_TIME = 1


@dataclass(frozen=True, slots=True)
class Transform:
    """One checked transform: a path and the FieldTransform that says what happens there."""

    path: FieldPath
    operation: str
    message: Message


def plan_transforms(messages: Iterable[Message]) -> tuple[Transform, ...]:
    """Return the FieldTransforms of one write, checked, in their order."""
    planned = tuple(_plan(message) for message in messages)
    if len(planned) > _MOST_TRANSFORMS:
        raise InvalidArgumentError(
            f"Cannot apply {len(planned)} field transforms to one document; "
            f"the limit is {_MOST_TRANSFORMS}."
        )
    return planned


def _plan(message: Message) -> Transform:
    path = parse_path(message.field_path)
    check_field_name(path[0])
    operation = message.WhichOneof("transform_type")
    match operation:
        case "set_to_server_value":
            if message.set_to_server_value != _REQUEST_TIME:
                raise InvalidArgumentError("Unknown server value.")
        case "increment" | "maximum" | "minimum":
            if not is_number(getattr(message, operation)):
                raise InvalidArgumentError("Input must be int64 or double.")
        case "append_missing_elements" | "remove_all_from_array":
            check_value(Value(array_value=getattr(message, operation)), path[0])
        case _:
            raise InvalidArgumentError("Transform type is not set.")
    return Transform(path, operation, message)


def apply_transforms(
    fields: Message, transforms: tuple[Transform, ...], request_time: int
) -> list[Message]:
    """Apply transforms to a document's fields in place, in order.

    `request_time` is microseconds since 1970; a server timestamp has millisecond precision.
    Returns one result Value a transform; that of an array transform is null.
    """
    results = []
    for transform in transforms:
        stored = lookup(fields, transform.path)
        value = _transformed(stored, transform, request_time)
        is_array = value.HasField("array_value")
        results.append(Value(null_value=0) if is_array else value)
        assign(fields, transform.path, value)
    return results


def _transformed(stored: Message | None, transform: Transform, request_time: int) -> Message:
    match transform.operation:
        case "set_to_server_value":
            value = Value()
            write_timestamp(value.timestamp_value, request_time - request_time % 1_000)
            return value
        case "increment":
            return _sum(stored, transform.message.increment)
        case "maximum":
            return _extreme(stored, transform.message.maximum, largest=True)
        case "minimum":
            return _extreme(stored, transform.message.minimum, largest=False)
        case "append_missing_elements":
            return _union(stored, transform.message.append_missing_elements)
        case _:
            return _difference(stored, transform.message.remove_all_from_array)


def _sum(stored: Message | None, operand: Message) -> Message:
    """Integers saturate at 64 bits; with a double on either side the sum is a double."""
    if stored is None or not is_number(stored):
        return _copy(operand)
    if stored.HasField("integer_value") and operand.HasField("integer_value"):
        total = stored.integer_value + operand.integer_value
        return Value(integer_value=min(max(total, _SMALLEST), _LARGEST))
    return Value(double_value=_number(stored) + _number(operand))


def _extreme(stored: Message | None, operand: Message, *, largest: bool) -> Message:
    """Equal numbers leave the stored one; a NaN on either side wins, as 0.0 does over -0.0."""
    if stored is None or not is_number(stored):
        return _copy(operand)
    if math.isnan(_number(stored)):
        return _copy(stored)
    if math.isnan(_number(operand)):
        return _copy(operand)
    ours, theirs = _signed(stored), _signed(operand)
    wins = theirs > ours if largest else theirs < ours
    return _copy(operand if wins else stored)


def _signed(value: Message) -> tuple[float, float]:
    """Return the number with the sign of a zero double beside it, which orders -0.0 below 0.0."""
    number = value.integer_value if value.HasField("integer_value") else value.double_value
    is_negative_zero = isinstance(number, float) and number == 0 and math.copysign(1, number) < 0
    return number, -1.0 if is_negative_zero else 0.0


def _number(value: Message) -> float:
    return float(value.integer_value if value.HasField("integer_value") else value.double_value)


def _union(stored: Message | None, operand: Message) -> Message:
    result = _stored_array(stored)
    present = {order_key(element) for element in result.array_value.values}
    for element in operand.values:
        key = order_key(element)
        if key not in present:
            present.add(key)
            result.array_value.values.add().CopyFrom(element)
    return result


def _difference(stored: Message | None, operand: Message) -> Message:
    unwanted = {order_key(element) for element in operand.values}
    result = Value()
    result.array_value.SetInParent()
    result.array_value.values.extend(
        element
        for element in _stored_array(stored).array_value.values
        if order_key(element) not in unwanted
    )
    return result


def _stored_array(stored: Message | None) -> Message:
    if stored is not None and stored.HasField("array_value"):
        return _copy(stored)
    empty = Value()
    empty.array_value.SetInParent()
    return empty


def _copy(value: Message) -> Message:
    copied = Value()
    copied.CopyFrom(value)
    return copied
