"""Faults of operators' documents, gathered until all are known and named so that they can be mended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

from hydrobid.domain.errors import InvalidInput, Problem

MAX_PROBLEMS = 100
MAX_SHOWN = 80
MAX_NAMED = 20

T = TypeVar("T")


@dataclass
class Findings:
    """The problems found so far, at most one for each field of a document."""

    _problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    _beyond_limit: int = 0

    def __len__(self) -> int:
        return len(self._problems) + self._beyond_limit

    def add(self, problem: Problem) -> None:
        """Note a problem, unless its field is known to be wrong; count it where there are many."""
        key = (problem.document, problem.field)
        if key in self._problems:
            return
        if len(self._problems) < MAX_PROBLEMS:
            self._problems[key] = problem
        else:
            self._beyond_limit += 1

    def raise_if_any(self) -> None:
        """Raise InvalidInput with every problem found, if there is one."""
        problems = list(self._problems.values())
        if self._beyond_limit:
            more = Problem("all documents", "problems", len(self), f"{MAX_PROBLEMS} shown, then 0")
            problems.append(more)
        if problems:
            raise InvalidInput(problems)

    def settled(self, value: T | None) -> T:
        """Return `value`, which is None only where a problem was noted; raise InvalidInput then."""
        self.raise_if_any()
        if value is None:
            raise AssertionError("a value was refused without a finding")
        return value


@dataclass(frozen=True)
class Place:
    """Where something stands: a document and the path of a field in it, as `assets[0].method`."""

    findings: Findings
    document: str
    field: str = ""

    def __truediv__(self, step: str | int) -> Place:
        """Return the place one step further in: a field's name or a position in a list."""
        if isinstance(step, int):
            return Place(self.findings, self.document, f"{self.field}[{step}]")
        name = str(cut(step))
        return Place(self.findings, self.document, f"{self.field}.{name}" if self.field else name)

    def refuse(self, value: Any, expected: str) -> None:
        """Note that `value` stands here, and what would be right."""
        self.findings.add(self.problem(value, expected))

    def problem(self, value: Any, expected: str) -> Problem:
        """Return the problem that `value` stands here, and what would be right."""
        return Problem(self.document, self.field or "content", cut(value), expected)


def cut(value: Any) -> Any:
    """Return `value` as JSON-ready data of a length that a message can hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float | int) and math.isfinite(value) and abs(value) < 1e18:
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def one_of(name: Any, known: Iterable[str]) -> str:
    """Return what would be right in place of an unknown name: the nearest ones, then the others."""
    names = sorted(set(known))
    if not names:
        return "a name that is defined; there is none"
    nearest = get_close_matches(str(name)[:MAX_SHOWN], names, n=3, cutoff=0.5)
    shown = [*nearest, *(other for other in names if other not in nearest)][:MAX_NAMED]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    hint = f"{nearest[0]} perhaps; " if nearest else ""
    return f"{hint}one of {', '.join(shown)}{more}"
