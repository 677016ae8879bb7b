"""Shares of regret and their intervals, paired by day."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import numpy as np
import pytest

from hydrobid.bidding.backtest.documents import curves_table, days_table, standing_document
from hydrobid.bidding.backtest.entrant import entrants
from hydrobid.bidding.backtest.rolling import BacktestDay
from hydrobid.bidding.backtest.statistics import Track, standings
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import PriceArea

FIRST = date(2018, 1, 1)


def track(market, label, regrets, trading=1000.0):
    (entrant,) = entrants([label], [20])
    days = []
    for at, regret in enumerate(regrets):
        day = FIRST + timedelta(days=at)
        grid = market.grid(day)
        curve = BidCurve((market.min_ticks, market.max_ticks), (0, 8000))
        bid = BidMatrix(
            PriceArea("NO2"), grid, market.price_tick, market.volume_lot, (curve,) * len(grid)
        )
        days.append(
            BacktestDay(
                day=day, bid=bid, value=5000 - regret, water_before=3000, perfect=5000,
                no_production=5000 - trading, sold=10, shortage=1, surplus=0, starts=2, spill=0.5,
                end_volumes={},
            )
        )  # fmt: skip
    return Track(entrant, tuple(days))


def prices(days: int) -> dict[date, float]:
    return {FIRST + timedelta(days=at): float(at % 30) for at in range(days)}


def test_standings__a_share_is_a_sum_by_a_sum_not_a_mean_of_shares(market):
    (standing,) = standings(
        [track(market, "multi_scenario", [10.0] * 30 + [40.0] * 30)], prices(60), 1
    )
    assert standing.whole.share.estimate == pytest.approx(0.025)
    assert standing.whole.gain == pytest.approx(60 * 2000 - 30 * 50)
    assert (standing.whole.starts, standing.whole.spill) == (120, 30)


def test_standings__a_method_behind_by_the_same_each_day_is_behind_without_a_doubt(market):
    rng = np.random.default_rng(3)
    regrets = rng.uniform(0, 100, 90)
    best = track(market, "multi_scenario", regrets)
    worse = track(market, "price_shifts:20", regrets + 5)
    first, second = standings([best, worse], prices(90), 1)
    # Each alone is uncertain; paired, the difference is 5 in 1000 on any days.
    assert second.whole.share.high - second.whole.share.low > 0.005
    gap = second.behind_best
    assert (gap.estimate, gap.low, gap.high) == pytest.approx((0.005, 0.005, 0.005))
    assert (first.behind_best.low, first.behind_best.high) == (0, 0)


def test_standings__intervals_hold_the_true_share_about_as_often_as_they_say(market):
    print("seeds 0 to 29")
    held = 0
    for seed in range(30):
        regrets = np.random.default_rng(seed).exponential(20, 120)
        (standing,) = standings([track(market, "multi_scenario", regrets)], prices(120), seed)
        held += standing.whole.share.low <= 0.02 <= standing.whole.share.high
    assert 24 <= held <= 30


def test_standings__parts_of_the_days_are_all_of_the_days(market):
    (standing,) = standings([track(market, "multi_scenario", np.arange(90.0))], prices(90), 1)
    assert list(standing.months) == ["2018-01", "2018-02", "2018-03"]
    assert [group.days for group in standing.months.values()] == [31, 28, 31]
    assert list(standing.regimes) == ["low prices", "middle prices", "high prices"]
    assert sum(group.days for group in standing.regimes.values()) == 90
    for parts in (standing.months, standing.regimes):
        assert sum(group.regret for group in parts.values()) == pytest.approx(sum(range(90)))


def test_standings__days_without_anything_to_earn_have_no_share(market):
    (standing,) = standings(
        [track(market, "multi_scenario", [0.0] * 10, trading=0.0)], prices(10), 1
    )
    assert standing.whole.share.estimate == 0
    rows = list(csv.DictReader(io.StringIO(days_table([standing.track]))))
    assert {row["regret_share"] for row in rows} == {""}


def test_tables__hold_what_the_figures_can_be_checked_from(market):
    tracks = [
        track(market, "multi_scenario", [10.0, 30.0]),
        track(market, "water_value", [1.0, 1.0]),
    ]
    rows = list(csv.DictReader(io.StringIO(days_table(tracks))))
    assert list(rows[0]) == [
        "method", "scenarios", "day", "value", "perfect", "no_production", "regret_share"
    ]  # fmt: skip
    assert [row["regret_share"] for row in rows] == ["0.01", "0.03", "0.001", "0.001"]
    mine = [row for row in rows if row["method"] == "multi_scenario"]
    forgone = sum(float(row["perfect"]) - float(row["value"]) for row in mine)
    earned = sum(float(row["perfect"]) - float(row["no_production"]) for row in mine)
    document = standing_document(standings(tracks, prices(2), 1)[0])
    assert document["regret_share"]["estimate"] == pytest.approx(forgone / earned)

    points = list(csv.DictReader(io.StringIO(curves_table(tracks))))
    assert list(points[0]) == ["method", "scenarios", "day", "mtu_start", "price", "volume"]
    assert len(points) == 2 * 2 * 24 * 2
    assert points[0]["mtu_start"] == "2017-12-31T23:00:00Z"
    assert (points[1]["price"], points[1]["volume"]) == ("3000.00", "8.000")
