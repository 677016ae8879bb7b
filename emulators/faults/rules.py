"""What a rule is: which calls it concerns, which of them it strikes, and with what fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

# What a service tells of a call: each fact by name, with all values that it has in this call.
Call: TypeAlias = Mapping[str, Collection[Any]]


class Kind(Enum):
    """What a fault does; the value is its name in a faults file."""

    LATENCY = "latency"
    ERROR = "error"
    DROP = "drop"
    HANG = "hang"
    ACCEPT_THEN_BREAK = "accept_then_break"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"
    FAIL = "fail"
    FREEZE = "freeze"
    EXPIRE = "expire"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and its parameter, if it has one.

    seconds: real seconds of a latency, the longest wait of a reorder. status: what an error
    answers, the name of a gRPC status or the number of an HTTP status. field: what a drift renames.
    """

    kind: Kind
    seconds: float = 0.0
    status: str | int | None = None
    field: str | None = None

    def __str__(self) -> str:
        parameter = self.status if self.kind is Kind.ERROR else self.seconds or self.field
        return self.kind.value if parameter is None else f"{self.kind.value} {parameter}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One demand of a rule: that some value of a fact passes the test."""

    fact: str
    test: Callable[[Any], bool]

    def holds(self, call: Call) -> bool:
        """Return whether the call meets the demand; a call without the fact does not."""
        return any(self.test(value) for value in call.get(self.fact, ()))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a faults file.

    Of the calls that meet all conditions it leaves the first `after` alone and strikes each later
    one with `probability`, at most `count` times in all; `count` None sets no end. `identity` is
    the same for the same rule under the same seed, wherever it stands in the file.
    """

    identity: str
    service: str
    conditions: tuple[Condition, ...]
    fault: Fault
    count: int | None = None
    after: int = 0
    probability: float = 1.0

    def concerns(self, call: Call) -> bool:
        """Return whether the call meets all conditions."""
        return all(condition.holds(call) for condition in self.conditions)

    def strikes(self, match: int) -> bool:
        """Return whether the rule strikes its match of that number, from 1: always the same."""
        return match > self.after and self._draw(match) < self.probability

    def _draw(self, match: int) -> float:
        """Return a number in [0, 1) that hangs on nothing but the rule, its seed and the match."""
        digest = hashlib.sha256(f"{self.identity} {match}".encode()).digest()
        # 53 bits: every such fraction is a float, and none rounds up to 1.
        return (int.from_bytes(digest[:8]) >> 11) / (1 << 53)
