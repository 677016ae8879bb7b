"""Resource names: `projects/P/topics/T`, and so on."""

from __future__ import annotations

import re
from typing import Final

from emulators.pubsub.errors import invalid_name

DELETED_TOPIC: Final = "_deleted-topic_"
DELETED_SCHEMA: Final = "_deleted-schema_"

# 3 to 255 characters, a letter first, never Google's own prefix:
# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
_ID = r"(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}"
_PATTERNS = {
    kind: re.compile(rf"projects/([^/\s]+)/{kind}/({_ID})")
    for kind in ("topics", "subscriptions", "snapshots", "schemas")
}
_PROJECT = re.compile(r"projects/[^/\s]+")


def check_topic(name: str) -> str:
    """Return the topic's name, or refuse it with INVALID_ARGUMENT."""
    return _checked("topics", name)


def check_subscription(name: str) -> str:
    """Return the subscription's name, or refuse it with INVALID_ARGUMENT."""
    return _checked("subscriptions", name)


def check_snapshot(name: str) -> str:
    """Return the snapshot's name, or refuse it with INVALID_ARGUMENT."""
    return _checked("snapshots", name)


def check_schema(name: str) -> str:
    """Return the schema's name, or refuse it with INVALID_ARGUMENT."""
    return _checked("schemas", name)


def split_revision(name: str) -> tuple[str, str]:
    """Return the parts of `projects/P/schemas/S@revision`; without a revision it is empty."""
    schema, _, revision = name.partition("@")
    return schema, revision


def check_project(name: str) -> str:
    """Return `projects/P`, or refuse it with INVALID_ARGUMENT."""
    if not _PROJECT.fullmatch(name):
        raise invalid_name(name)
    return name


def split(name: str) -> tuple[str, str]:
    """Return the project id and the resource id of a checked name."""
    _, project, _, resource = name.split("/", 3)
    return project, resource


def _checked(kind: str, name: str) -> str:
    if not _PATTERNS[kind].fullmatch(name):
        raise invalid_name(name)
    return name
