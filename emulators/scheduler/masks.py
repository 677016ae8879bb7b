"""Field masks: which fields of a job an update takes from its body."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from emulators.scheduler.definition import (
    OUTPUT_ONLY,
    HttpTarget,
    JobDefinition,
    PubsubTarget,
    RetryConfig,
)
from emulators.workflows.api_errors import invalid

# What a mask may name without effect.
_IGNORED: Final = OUTPUT_ONLY | {"name"}
_NESTED: Final[Mapping[str, type[BaseModel]]] = {
    "pubsubTarget": PubsubTarget,
    "httpTarget": HttpTarget,
    "retryConfig": RetryConfig,
}


def merged(
    stored: Mapping[str, Any], given: Mapping[str, Any], paths: Sequence[str]
) -> dict[str, Any]:
    """Return a job's document with the fields of the paths as they are given, or without them.

    A target that is given takes the place of one of another kind. Paths reach fields of a job and
    fields of its targets and its retry settings; others are refused with INVALID_ARGUMENT.
    """
    result = copy.deepcopy(dict(stored))
    for path in paths:
        head, _, inner = path.partition(".")
        _require_known(path, head, inner)
        if head in _IGNORED:
            continue
        if not inner:
            _put(result, head, given.get(head))
        else:
            section = given.get(head)
            value = section.get(inner) if isinstance(section, Mapping) else None
            _put(result.setdefault(head, {}), inner, value)
        if given.get(head) is not None and head in JobDefinition.TARGETS:
            for other in JobDefinition.TARGETS:
                if other != head:
                    result.pop(other, None)
    return result


def _put(document: dict[str, Any], field: str, value: object) -> None:
    if value is None:
        document.pop(field, None)
    else:
        document[field] = value


def _require_known(path: str, head: str, inner: str) -> None:
    known = head in _IGNORED or head in _aliases(JobDefinition)
    if inner:
        known = head in _NESTED and inner in _aliases(_NESTED[head])
    if not known:
        raise invalid(f"Invalid mask for Job: {path}")


def _aliases(model: type[BaseModel]) -> set[str | None]:
    return {field.alias for field in model.model_fields.values()}
