"""When a client's cron jobs fire: derived from its market and its stage budgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hydrobid.domain.base import Value
from hydrobid.domain.market import Market
from hydrobid.domain.stages import Stages
from hydrobid.pipeline.guard_gate import LAST_LOOK

EVERY_FIVE_MINUTES = "*/5 * * * *"
AT_NIGHT = "30 3 * * *"


class Schedule(Value):
    """Unix-cron expressions in a time zone; gates close at the same local time every day."""

    time_zone: str
    daily_run: str
    guard: str
    alerts: str
    results: str
    benchmark: str


def schedule_of(market: Market, stages: Stages) -> Schedule:
    """Return when the daily run starts, and when the other ticks are sent.

    The guard is sent every minute of the hours that its window touches; what lies outside the
    window it ignores by itself.
    """
    start, closes = stages.daily_run, market.gate_closure.local_time
    gate = datetime.combine(datetime(2000, 1, 3, tzinfo=UTC), closes)
    first = (gate - timedelta(seconds=stages.guard)).hour
    last = (gate + LAST_LOOK).hour
    return Schedule(
        time_zone=market.time_zone,
        daily_run=f"{start.minute} {start.hour} * * *",
        guard=f"* {first} * * *" if first == last else f"* {_hours(first, last)} * * *",
        alerts=EVERY_FIVE_MINUTES,
        results=EVERY_FIVE_MINUTES,
        benchmark=AT_NIGHT,
    )


def _hours(first: int, last: int) -> str:
    return f"{first}-{last}" if first < last else f"{first}-23,0-{last}"
