"""Canonical elements, as a mapping makes them, and where each part of one came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hydrobid.schema.domain_model.canonical import Kind
from hydrobid.schema.findings import Place

_STEPS = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, eq=False)
class Element:
    """A canonical element.

    within: the names of what it is in, outermost first. fields: as its kind's form has them.
    conditions: by path, as `limits.volume_max`; a time series by its columns. origin: the instance that it was made of; sources:
    for each canonical path the field of the instance that it was read from.
    """

    kind: Kind
    within: tuple[str, ...]
    name: str
    fields: Mapping[str, Any]
    conditions: Mapping[str, Any]
    origin: Place
    sources: Mapping[str, str]

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells an element from others: its kind, where it is and its name."""
        return self.kind.name, ".".join(self.within), self.name


def steps_of(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path, as `level.volume` or `turbine[0].head`: fields and positions."""
    return tuple(int(at) if at else name for name, at in _STEPS.findall(path))


def put(fields: dict[str, Any], steps: Sequence[str | int], value: Any) -> None:
    """Put a value at the end of a way, making what leads there."""
    at: Any = fields
    for step, following in pairwise(steps):
        if isinstance(step, int):
            at += [{} for _ in range(step + 1 - len(at))]
        else:
            at.setdefault(step, [] if isinstance(following, int) else {})
        at = at[step]
    at[steps[-1]] = value
