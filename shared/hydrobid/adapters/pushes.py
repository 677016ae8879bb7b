"""The reading of what Pub/Sub pushes, for functions that publish nothing as well."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.messages import Message

M = TypeVar("M", bound=Message)


def pushed_topic(source: str) -> str:
    """Return the topic id in a CloudEvent's source, `//pubsub.googleapis.com/projects/P/topics/T`.

    Raises:
        CorruptDocument: the source names no topic.
    """
    _, found, topic = source.partition("/topics/")
    if not found or not topic:
        raise CorruptDocument(f"an event from {source!r}, which is no topic", source=source)
    return topic


def pushed_message(kind: type[M], data: Any) -> M:
    """Return the message in a CloudEvent's data.

    Raises:
        CorruptDocument: the data is no message of this kind.
    """
    return kind.from_document(pushed_content(data))


def pushed_content(data: Any) -> dict[str, Any]:
    """Return the JSON object in a CloudEvent's data.

    Raises:
        CorruptDocument: the data holds none.
    """
    try:
        encoded = data["message"]["data"] if isinstance(data, Mapping) else None
        content = json.loads(base64.b64decode(encoded or b"", validate=True))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise CorruptDocument(f"a pushed message that cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CorruptDocument("a pushed message that is no JSON object")
    return content
