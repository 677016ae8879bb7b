"""Values as protobuf's JSON form spells them: durations, bytes, enums by name or number."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Annotated, TypeAlias, TypeVar

from google.protobuf.duration_pb2 import Duration as DurationMessage
from google.protobuf.timestamp_pb2 import Timestamp as TimestampMessage
from pydantic import BeforeValidator, PlainSerializer

_Enum = TypeVar("_Enum", bound=IntEnum)


def _duration_of(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    message = DurationMessage()
    try:
        message.FromJsonString(value)
    except (ValueError, TypeError, AttributeError):
        raise ValueError(f'{value!r} is no duration: want seconds such as "3.5s"') from None
    duration: timedelta = message.ToTimedelta()
    if duration < timedelta(0):
        raise ValueError(f"{value!r} is negative")
    return duration


def _duration_text(value: timedelta) -> str:
    message = DurationMessage()
    message.FromTimedelta(value)
    text: str = message.ToJsonString()
    return text


def _bytes_of(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        # Both alphabets, padded or not.
        text = str(value).rstrip("=").translate(str.maketrans("-_", "+/"))
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{value!r} is not base64") from None


def _bytes_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


Duration: TypeAlias = Annotated[
    timedelta, BeforeValidator(_duration_of), PlainSerializer(_duration_text)
]
Bytes: TypeAlias = Annotated[bytes, BeforeValidator(_bytes_of), PlainSerializer(_bytes_text)]


def by_name_or_number(kind: type[_Enum]) -> Callable[[object], object]:
    """Return a validator that takes an enum's names beside its numbers."""

    def member(value: object) -> object:
        return kind[value] if isinstance(value, str) and value in kind.__members__ else value

    return member


def timestamp(instant: datetime) -> str:
    """Return an aware datetime as a protobuf Timestamp: RFC 3339 in UTC."""
    message = TimestampMessage()
    message.FromDatetime(instant)
    text: str = message.ToJsonString()
    return text
