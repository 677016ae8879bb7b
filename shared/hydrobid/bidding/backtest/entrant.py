"""A bid method as a backtest runs it: its settings, and how many scenarios it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hydrobid.bidding.methods import METHODS
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.market import Market
from hydrobid.domain.methods import SHIFT_LISTS, Method, PriceShifts

# Methods whose bid hangs on the expected price alone, or on none: they are given the forecast.
ON_FORECAST = frozenset({"price_shifts", "price_independent", "water_value"})
IN_BLOCKS = frozenset({"blocks", "exclusive_group"})
"""Methods that not every market takes."""
MAX_SCENARIOS = 2000
STANDARD = (
    "multi_scenario",
    "stochastic",
    "blocks",
    "exclusive_group",
    "price_shifts:20",
    "price_independent",
    "water_value",
)
"""Every method as it is if nothing is set."""


@dataclass(frozen=True)
class Entrant:
    """A method under test. scenarios: how many price series it has solved for a day.

    label: `NAME`, or `price_shifts:20`.
    """

    label: str
    method: Method
    scenarios: int

    @property
    def on_scenarios(self) -> bool:
        """Whether it is given scenarios; if not, the point forecast."""
        return self.method.name not in ON_FORECAST


def entrants(labels: Sequence[str], counts: Sequence[int]) -> list[Entrant]:
    """Return every method, those that take scenarios once for each count.

    Raises:
        InvalidInput: a method is not known or stands twice, or a count is out of range.
    """
    problems = [
        Problem("command line", "--scenarios", count, f"1 to {MAX_SCENARIOS}, each once")
        for count in sorted(set(counts))
        if not 1 <= count <= MAX_SCENARIOS or list(counts).count(count) > 1
    ]
    problems += [
        Problem("command line", "--methods", label, "each method once")
        for label in sorted(set(labels))
        if list(labels).count(label) > 1
    ]
    methods: dict[str, Method] = {}
    for label in labels:
        method = _method(label)
        if method is None:
            problems.append(Problem("command line", "--methods", label, _known_methods()))
        else:
            methods[label] = method
    if problems or not methods:
        raise InvalidInput(
            problems or [Problem("command line", "--methods", None, "one or more methods")]
        )
    return [
        Entrant(label, method, count)
        for label, method in methods.items()
        for count in ((_solves(method),) if method.name in ON_FORECAST else counts)
    ]


def contenders(market: Market, asset: AssetConfiguration) -> dict[str, Method]:
    """Return the methods that an asset's own is compared with, and its own as it is set, by label."""
    standard = [_method(label) for label in STANDARD]
    found = {label: m for label, m in zip(STANDARD, standard, strict=True) if m is not None}
    found[asset.method.name] = asset.method
    return {
        label: m
        for label, m in found.items()
        if m.name not in IN_BLOCKS or market.blocks is not None
    }


def _method(label: str) -> Method | None:
    name, colon, shifts = label.partition(":")
    content: dict[str, Any] = {"name": name}
    if colon:
        content["shifts"] = int(shifts) if shifts.isdecimal() else shifts
    try:
        method: Method = TypeAdapter(Method).validate_python(content)
    except ValidationError:
        return None
    return method


def _known_methods() -> str:
    shifts = [f"{PriceShifts().name}:{count}" for count in sorted(SHIFT_LISTS)]
    return f"one of {', '.join(sorted({*METHODS, *shifts}))}"


def _solves(method: Method) -> int:
    """Return how many price series a method solves that is given the forecast alone."""
    if isinstance(method, PriceShifts):
        return method.shifts if isinstance(method.shifts, int) else len(method.shifts)
    return 0 if method.name == "water_value" else 1
