"""Faults of operators' documents, gathered until all are known and named so that they can be mended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from hydrobid.domain.errors import InvalidInput, Problem

MAX_PROBLEMS = 100
MAX_SHOWN = 80
MAX_NAMED = 20
LARGEST_SHOWN = 1e18

T = TypeVar("T")


class Findings:
    """The problems found so far, the first of each field; past a limit they are only counted."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str], Problem] = {}
        self._noted = 0

    def __len__(self) -> int:
        """How often a fault was noted: whoever sees it grow has met one."""
        return self._noted

    def add(self, problem: Problem) -> None:
        """Note a problem, unless the same field is known to be wrong."""
        self._noted += 1
        if len(self._problems) <= MAX_PROBLEMS:
            self._problems.setdefault((problem.document, problem.field), problem)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems found, past a limit with their number in place of the others."""
        problems = list(self._problems.values())
        if len(problems) > MAX_PROBLEMS:
            problems[MAX_PROBLEMS] = Problem(
                "all documents", "problems", self._noted, f"none; the first {MAX_PROBLEMS} are told"
            )
        return tuple(problems)

    def raise_if_any(self) -> None:
        """Raise InvalidInput with every problem found, if there is one."""
        if problems := self.problems:
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
    if isinstance(value, float | int) and abs(value) < LARGEST_SHOWN:
        return value
    return shortened(value if isinstance(value, str) else repr(value), MAX_SHOWN)


def shortened(text: str, length: int) -> str:
    """Return `text`, or its beginning where it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def one_of(name: Any, known: Iterable[str]) -> str:
    """Return what would be right in place of an unknown name: the nearest one, then the others."""
    names = sorted(set(known))
    if not names:
        return "a name that is defined; there is none"
    shown = names[:MAX_NAMED]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{perhaps(name, names)}one of {', '.join(shown)}{more}"


def perhaps(name: Any, known: Iterable[str]) -> str:
    """Return a hint at the known name that is nearest, or nothing where none is near."""
    nearest = get_close_matches(str(name)[:MAX_SHOWN], list(known), n=1, cutoff=0.5)
    return f"{nearest[0]} perhaps; " if nearest else ""
