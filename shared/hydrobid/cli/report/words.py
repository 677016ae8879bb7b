"""How the report says things: numbers, times, states and reasons for readers who were not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hydrobid.domain.configuration import Fallback
from hydrobid.domain.states import AssetState, RunState

NARROW_SPACE = "\u202f"
FIXED_SPACE = "\u00a0"
MINUS = "\u2212"

REASONS = {
    "NOT_STARTED": "not begun before the bid was made",
    "NOT_REACHED": "not reached before the bid was made",
    "AT_HAND": "still being solved when the bid was made",
    "SKIPPED": "left out: it was being solved in two tries that died",
    "CORRUPT_DOCUMENT": "what was stored of it cannot be read",
    "SERVICE_UNAVAILABLE": "a service did not answer",
    "SOLVER_MISSING": "its solver is not part of the deployment",
    "INVALID_PRICES": "prices that cannot be used",
    "INFEASIBLE": "no schedule keeps all limits",
    "UNBOUNDED": "the model has no best schedule",
    "ITERATION_LIMIT": "the solver stopped at its limit without a schedule",
    "SOLVER_ERROR": "the solver failed",
    "MISSING": "had not answered by the cut-off",
    "FAILED": "too few scenarios solved",
}

RUN_STATES = {
    RunState.PLANNED: "is planned and not yet begun",
    RunState.SOLVING: "is being solved",
    RunState.AGGREGATING: "is being put together",
    RunState.AWAITING_APPROVAL: "waits for approval",
    RunState.SUBMITTING: "is being sent",
    RunState.SUBMITTED: "is submitted",
    RunState.PARTLY_SUBMITTED: "is submitted in part",
    RunState.WITHHELD: "is withheld",
    RunState.SUPERSEDED: "is superseded by a newer revision",
    RunState.FAILED: "has failed",
}

ASSET_STATES = {
    AssetState.COMPLETE: "complete",
    AssetState.PARTIAL: "partial",
    AssetState.FALLBACK: "fallback",
    AssetState.FAILED: "no bid",
}


FALLBACKS = {
    Fallback.OLDER_REVISION: "its bid in an older revision",
    Fallback.YESTERDAY: "its part in the accepted bid of the day before",
    Fallback.WATER_VALUE: "a bid from its water values",
}


def fallback_words(taken: str) -> str:
    """Return what a record's fallback says in words; the run it names stays behind it."""
    link, _, run = taken.partition(" ")
    return f"{FALLBACKS[Fallback(link)]}{f' ({run})' if run else ''}"


def number(value: float, decimals: int = 1) -> str:
    """Return a number for reading: thousands apart, a true minus sign, no negative zero."""
    text = f"{value:,.{decimals}f}".replace(",", NARROW_SPACE)
    if text.startswith("-"):
        return MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]
    return text


def percent(share: float) -> str:
    """Return a share in percent; only what is whole reads as 100 %."""
    shown = round(min(share * 100, 99.9) if share < 1 - 1e-9 else 100.0, 1)
    return f"{number(shown, 0 if shown.is_integer() else 1)}{NARROW_SPACE}%"


def day_text(day: date) -> str:
    """Return a date as `Wednesday 25 November 2026`."""
    return f"{day:%A} {day.day}{FIXED_SPACE}{day:%B} {day.year}"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as local day and time with its zone, to the minute."""
    local = instant.astimezone(zone)
    return (
        f"{local:%A} {local.day}{FIXED_SPACE}{local:%B}, {local:%H:%M}{FIXED_SPACE}{local.tzname()}"
    )


def clock_time(instant: datetime, zone: ZoneInfo, decimals: int = 0) -> str:
    """Return an instant's local time of day to the second, or to parts of one."""
    local = instant.astimezone(zone)
    fraction = f".{local.microsecond // 10 ** (6 - decimals):0{decimals}}" if decimals else ""
    return f"{local:%H:%M:%S}{fraction}"


def span_text(span: timedelta) -> str:
    """Return a span of time in the largest units that say enough."""
    seconds = abs(span.total_seconds())
    if seconds < 60:
        return f"{number(seconds, 1 if seconds < 10 else 0)} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def listed(items: Iterable[str]) -> str:
    """Return `a`, `a and b` or `a, b and c` of one or more items."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{number(count, 0)} {singular if count == 1 else plural or singular + 's'}"


def reason(code: str) -> str:
    """Return why something is missing; a code without words of its own stands for itself."""
    return REASONS.get(code, code.replace("_", " ").lower())


def headline(state: RunState, day: date, areas: Sequence[str], standing: Sequence[str]) -> str:
    """Return the report's title. areas: those that get a bid. standing: where this bid stands."""
    on = f"{day:%A} {day.day}{FIXED_SPACE}{day:%B}"
    match state:
        case RunState.SUBMITTED | RunState.PARTLY_SUBMITTED if standing:
            absent = [area for area in areas if area not in standing]
            exception = f", not in {listed(absent)}" if absent else ""
            return f"The bid for {on} stands in {listed(standing)}{exception}"
        case RunState.FAILED:
            return f"This run submitted no bid for {on}"
        case RunState.WITHHELD:
            return f"The bid for {on} was withheld"
        case RunState.SUPERSEDED:
            return f"A newer revision has taken over the bid for {on}"
        case _:
            return f"The bid for {on} {RUN_STATES[state]}"
