"""Stored benchmarks: which bid method would have earned most on a client's own watercourses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from hydrobid.bidding.backtest.entrant import contenders
from hydrobid.bidding.backtest.statistics import Group, Interval, compared
from hydrobid.domain.benchmark import MethodDay, MethodTask
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.identifiers import AssetId
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents

SEED = 1


@dataclass(frozen=True)
class MethodStanding:
    """How a method did on the days on which every method compared has a bid.

    own: whether the asset was bid by it on the last of these days. whole: the days together.
    behind_best: its share of regret less that of the best. failures: how many days it had no bid on.
    """

    method: str
    own: bool
    whole: Group
    behind_best: Interval
    failures: int


def benchmarks_of(
    documents: Documents, configuration: ClientConfiguration, days: Iterable[date]
) -> list[MethodDay]:
    """Return what is known of days, by asset, day and method, for the methods there are now."""
    market = configuration.market
    wanted = [
        paths.benchmark(market.id, MethodTask(day=day, asset=asset.asset, method=label))
        for asset in configuration.assets
        for day in days
        for label in contenders(market, asset)
    ]
    stored = documents.get_many(wanted)
    return [MethodDay.from_document(document) for document in stored if document is not None]


def method_standings(found: Sequence[MethodDay]) -> dict[AssetId, list[MethodStanding]]:
    """Return the methods of each asset, the one that regrets least first."""
    assets = dict.fromkeys(day.asset for day in found)
    ranked = {asset: _ranked([day for day in found if day.asset == asset]) for asset in assets}
    return {asset: methods for asset, methods in ranked.items() if methods}


def _ranked(found: Sequence[MethodDay]) -> list[MethodStanding]:
    """Return the standings of one asset's methods; none where no day can be compared."""
    by_method: dict[str, dict[date, MethodDay]] = {}
    for day in found:
        if day.failure is None:
            by_method.setdefault(day.method, {})[day.day] = day
    days_of = [set(days) for days in by_method.values()]
    common = sorted(set.intersection(*days_of)) if days_of else []
    if not common:
        return []
    tracks = {method: [days[day] for day in common] for method, days in by_method.items()}
    failed = [day.method for day in found if day.failure is not None]
    return sorted(
        (
            MethodStanding(method, track[-1].own, whole, behind, failed.count(method))
            for (method, track), (whole, behind) in zip(
                tracks.items(), compared(list(tracks.values()), SEED), strict=True
            )
        ),
        key=lambda standing: (standing.whole.share.estimate, standing.method),
    )
