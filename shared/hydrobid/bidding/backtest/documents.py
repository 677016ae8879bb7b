"""A backtest as documents: one for machines, and two tables from which it can be checked."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from hydrobid.bidding.backtest.statistics import Group, Interval, Standing, Track
from hydrobid.domain.canonical import MONEY_DECIMALS, rounded
from hydrobid.domain.time import utc_text

SHARE_DECIMALS = 8
WATER_DECIMALS = 6
ENERGY_DECIMALS = 6


def standing_document(standing: Standing) -> dict[str, Any]:
    """Return a method's standing as JSON-ready data; shares are fractions, not percent.

    `value` is money earned and the change of the water's worth over the days it stands for.
    """
    track = standing.track
    return {
        "method": track.entrant.label,
        "scenarios": track.entrant.scenarios,
        **_group(standing.whole),
        "behind_best": _interval(standing.behind_best),
        "sold_mwh": rounded(sum(day.sold for day in track.days), ENERGY_DECIMALS),
        "shortage_mwh": rounded(sum(day.shortage for day in track.days), ENERGY_DECIMALS),
        "surplus_mwh": rounded(sum(day.surplus for day in track.days), ENERGY_DECIMALS),
        "end_volumes": {str(name): v for name, v in track.days[-1].end_volumes.items()},
        "by_month": {name: _group(group) for name, group in standing.months.items()},
        "by_price_regime": {name: _group(group) for name, group in standing.regimes.items()},
    }


def curves_table(tracks: Sequence[Track]) -> str:
    """Return every point of every bid as CSV: `method,scenarios,day,mtu_start,price,volume`."""
    return _table(("method", "scenarios", "day", "mtu_start", "price", "volume"), _points(tracks))


def blocks_table(tracks: Sequence[Track]) -> str:
    """Return every block as CSV; volumes are the same in each of its MTUs, generation positive."""
    header = ("method", "scenarios", "day", "block", "mtu_start", "mtus", "price", "volume")
    return _table((*header, "accepted"), _blocks(tracks))


def days_table(tracks: Sequence[Track]) -> str:
    """Return every day's figures as CSV.

    `method,scenarios,day,value,perfect,no_production,regret_share`; the share is empty on a day on
    which perfect foresight earns no more than no production.
    """
    header = ("method", "scenarios", "day", "value", "perfect", "no_production", "regret_share")
    return _table(header, _days(tracks))


def _days(tracks: Sequence[Track]) -> Iterable[tuple[Any, ...]]:
    for track in tracks:
        for day in track.days:
            money = (day.value, day.perfect, day.no_production)
            share = ""
            if rounded(day.trading_value, MONEY_DECIMALS) > 0:
                share = str(rounded(day.regret / day.trading_value, SHARE_DECIMALS))
            yield (
                track.entrant.label,
                track.entrant.scenarios,
                day.day,
                *(rounded(amount, MONEY_DECIMALS) for amount in money),
                share,
            )


def _blocks(tracks: Sequence[Track]) -> Iterable[tuple[Any, ...]]:
    for track in tracks:
        for day in track.days:
            starts = day.bid.grid.starts()
            for block in day.bid.blocks:
                yield (
                    track.entrant.label,
                    track.entrant.scenarios,
                    day.day,
                    block.name,
                    utc_text(starts[block.first]),
                    len(block.lots),
                    day.bid.tick * block.price,
                    day.bid.lot * block.lots[0],
                    int(block.name in day.accepted),
                )


def _points(tracks: Sequence[Track]) -> Iterable[tuple[Any, ...]]:
    for track in tracks:
        for day in track.days:
            bid = day.bid
            for start, curve in zip(bid.grid.starts(), bid.curves, strict=True):
                for ticks, lots in zip(curve.ticks, curve.lots, strict=True):
                    yield (
                        track.entrant.label,
                        track.entrant.scenarios,
                        day.day,
                        utc_text(start),
                        bid.tick * ticks,
                        bid.lot * lots,
                    )


def _table(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _group(group: Group) -> dict[str, Any]:
    return {
        "days": group.days,
        "value": rounded(group.gain, MONEY_DECIMALS),
        "regret": rounded(group.regret, MONEY_DECIMALS),
        "trading_value": rounded(group.trading_value, MONEY_DECIMALS),
        "regret_share": _interval(group.share),
        "starts": group.starts,
        "spill": rounded(group.spill, WATER_DECIMALS),
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {name: rounded(value, SHARE_DECIMALS) for name, value in asdict(interval).items()}
