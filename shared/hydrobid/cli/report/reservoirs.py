"""What the scenarios leave in the reservoirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.statistics import quantiles
from hydrobid.cli.report.words import counted, number
from hydrobid.domain.identifiers import AssetId

SHARES = (0.1, 0.5, 0.9)
MARGIN = 2.0


@dataclass(frozen=True)
class ReservoirRow:
    """A reservoir's day over the solved scenarios, in Mm3.

    change: lowest, 10 %, median, 90 % and highest change from start to end. strip: the same in
    percent of the drawing's width; zero: where no change lies on it.
    """

    asset: AssetId
    name: str
    start: float
    end: float
    filling: float
    volume_max: float
    change: tuple[float, ...]
    strip: tuple[float, ...]
    zero: float


def reservoir_rows(facts: RunFacts) -> list[ReservoirRow]:
    """Return a row for each reservoir of the assets that have schedules; strips share a scale per asset."""
    return [row for plan in facts.plan.assets for row in _rows_of(facts, plan.asset)]


def _rows_of(facts: RunFacts, asset: AssetId) -> Iterator[ReservoirRow]:
    told = facts.end_volumes[asset]
    if not told:
        return
    weights = facts.probabilities(asset, told)
    reservoirs = facts.configuration.asset(asset).watercourse.reservoirs
    changes = {}
    for reservoir in reservoirs:
        ends = np.array([volumes[reservoir.name] for volumes in told.values()])
        change = (ends - reservoir.start_volume)[:, None]
        low, median, high = quantiles(change, weights, SHARES)[:, 0].tolist()
        changes[reservoir.name] = (float(change.min()), low, median, high, float(change.max()))
    every = [value for change in changes.values() for value in change]
    least, most = min(0.0, *every), max(0.0, *every)
    width = most - least or 1.0
    for reservoir in reservoirs:
        change_of = changes[reservoir.name]
        end = reservoir.start_volume + change_of[2]
        yield ReservoirRow(
            asset=asset,
            name=reservoir.name,
            start=reservoir.start_volume,
            end=end,
            filling=end / reservoir.volume_max,
            volume_max=reservoir.volume_max,
            change=change_of,
            strip=tuple(
                MARGIN + (value - least) / width * (100 - 2 * MARGIN) for value in change_of
            ),
            zero=MARGIN - least / width * (100 - 2 * MARGIN),
        )


def broken_limits(facts: RunFacts) -> list[str]:
    """Return a sentence for each limit that schedules had to break, over the scenarios."""
    broken: dict[tuple[AssetId, str, str, str], list[float]] = {}
    for plan in facts.plan.assets:
        for outcome in facts.solved(plan.asset).values():
            for violation in outcome.violations:
                # What is no limit of water is told in the limit's own unit.
                of_water = violation["unit"] != "MW"
                amount = violation["water" if of_water else "excess"]
                unit = "Mm\u00b3" if of_water else violation["unit"]
                key = (plan.asset, violation["element"], violation["code"], unit)
                broken.setdefault(key, []).append(amount)
    return [
        f"{asset}, {element}: {code.replace('_', ' ')} in {counted(len(missed), 'scenario')}, "
        f"at most {number(max(missed), 3)} {unit}"
        for (asset, element, code, unit), missed in broken.items()
    ]
