"""A delivery day on paper: local times of its MTUs, also where the clocks change."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from hydrobid.domain.time import MtuGrid

HOURS_BETWEEN_TICKS = 3


def clocks_change(grid: MtuGrid, zone: ZoneInfo) -> bool:
    """Return whether the day's local times are offset differently at its two ends."""
    return grid.start.astimezone(zone).utcoffset() != grid.end.astimezone(zone).utcoffset()


def mtu_labels(grid: MtuGrid, zone: ZoneInfo) -> list[str]:
    """Return each unit as `08:00 to 08:15`, the zone named where the clocks change."""
    named = clocks_change(grid, zone)
    labels = []
    for start in grid.starts():
        first, last = start.astimezone(zone), (start + grid.step).astimezone(zone)
        label = f"{first:%H:%M}\u2013{last:%H:%M}"
        labels.append(f"{label} {first.tzname()}" if named else label)
    return labels


def day_axis(grid: MtuGrid, zone: ZoneInfo) -> dict[str, Any]:
    """Return a chart's axis over the day, in units counted from 0: every third local hour.

    Where the clocks change, each hour is ticked once a side of the change and named with its zone.
    """
    named = clocks_change(grid, zone)
    positions, texts = [], []
    before = None
    for position, start in enumerate([*grid.starts(), grid.end]):
        local = start.astimezone(zone)
        moved = before is not None and local.utcoffset() != before
        before = local.utcoffset()
        if moved or (local.minute == 0 and local.hour % HOURS_BETWEEN_TICKS == 0):
            text = "24" if position == len(grid) else f"{local:%H}"
            positions.append(position)
            texts.append(
                f"{text}<br>{local.tzname()}" if named and (moved or not position) else text
            )
    return {
        "range": [0, len(grid)],
        "tickvals": positions,
        "ticktext": texts,
        "title": {"text": f"Local time, {zone.key}", "standoff": 6},
    }
