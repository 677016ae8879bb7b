"""How a block of steps ends: at its end, with a return, or with a jump that an outer block takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from emulators.workflows.steps import END
from emulators.workflows.values import Value


@dataclass(frozen=True, slots=True)
class Jump:
    """A step asked to go on elsewhere: a step's name, `break` or `continue`."""

    target: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A step ended its routine with a value."""

    value: Value


Outcome: TypeAlias = Jump | Returned | None


def go_to(target: str) -> Outcome:
    """Return the outcome that `next: target` asks for."""
    return Returned(None) if target == END else Jump(target)
