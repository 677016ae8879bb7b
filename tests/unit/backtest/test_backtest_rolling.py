"""Days of one method after each other: no look-ahead, no regret where nothing was unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from hydrobid.bidding.backtest import rolling
from hydrobid.bidding.backtest.delivery import Day, deliver, perfect_foresight
from hydrobid.bidding.backtest.entrant import entrants
from hydrobid.bidding.backtest.rolling import backtest_days
from hydrobid.bidding.backtest.settings import BacktestSettings, Generator
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.schema.daily_series import Issue

FIRST, LAST = date(2018, 3, 3), date(2018, 3, 7)
SETTINGS = BacktestSettings(first=FIRST, last=LAST)
METHODS = [
    "multi_scenario",
    "price_shifts:3",
    "price_shifts:20",
    "price_independent",
    "water_value",
    "stochastic",
    "blocks",
    "exclusive_group",
]


def days_of(archive, asset, label, settings=SETTINGS, count=8):
    (entrant,) = entrants([label], [count])
    return list(backtest_days(archive, asset, entrant, settings))


@pytest.mark.parametrize("label", METHODS)
def test_backtest_days__what_comes_later_changes_no_bid(past, told, asset, label):
    archive, turn = past(60), date(2018, 3, 5)
    known = archive.prices
    # That day's own price, and everything of the days after it.
    prices = {d: (Issue(None, archive.came(d)[::-1] * 3 - 40),) for d in known.actual.issues}
    forecasts = {
        d: tuple(replace(issue, values=issue.values + 9) for issue in issues)
        for d, issues in known.forecast.issues.items()
    }
    other = told(
        archive,
        prices={d: issues for d, issues in prices.items() if d >= turn},
        forecasts={d: issues for d, issues in forecasts.items() if d > turn},
    )

    one, two = days_of(archive, asset, label), days_of(other, asset, label)
    for day, changed in zip(one, two, strict=True):
        if day.day <= turn:
            assert day.bid == changed.bid
        if day.day < turn:
            assert day.value == changed.value
    assert one[2].value != two[2].value


def test_backtest_days__a_forecast_published_after_the_bid_changes_none(past, told, asset):
    archive = past(60)
    late = datetime.combine(FIRST - timedelta(days=1), time(10, 1), archive.market.zone)
    better = Issue(late.astimezone(UTC), archive.came(FIRST))
    issues = (*archive.prices.forecast.issues[FIRST], better)
    other = told(archive, forecasts={FIRST: issues})
    one, two = days_of(archive, asset, "multi_scenario"), days_of(other, asset, "multi_scenario")
    assert [day.bid for day in one] == [day.bid for day in two]


@pytest.mark.parametrize("generator", list(Generator))
def test_backtest_days__a_perfect_forecast_has_no_regret(past, asset, generator):
    settings = SETTINGS.model_copy(update={"generator": generator})
    for day in days_of(past(60, error=0.0), asset, "multi_scenario", settings):
        assert day.trading_value > 10
        # Ticks and lots are all that is left to miss.
        assert day.regret == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("label", METHODS)
def test_backtest_days__roll_on_with_the_water_that_is_left(past, asset, label):
    days = days_of(past(60), asset, label)
    volume = asset.watercourse.reservoirs[0].start_volume
    for day in days:
        net = day.sold - day.shortage + day.surplus
        volume += 24 * 5 * 0.0036 - net / 245.25 - day.spill
        assert day.end_volumes["Upper"] == pytest.approx(volume, abs=1e-6)
        assert day.regret >= -0.01


def test_backtest_days__gains_add_up_to_money_and_water(past, asset):
    days = days_of(past(60), asset, "multi_scenario")
    found = asset.watercourse.reservoirs[0]
    left = days[-1].end_volumes["Upper"]
    money = sum(day.value for day in days) - sum(
        day.end_volumes["Upper"] * found.water_value for day in days
    )
    gained = sum(day.gain for day in days)
    assert gained == pytest.approx(money + (left - found.start_volume) * found.water_value, abs=0.1)


def test_backtest_days__the_same_seed_gives_the_same_and_another_others(past, asset):
    archive = past(60)
    first = days_of(archive, asset, "multi_scenario")
    again = days_of(archive, asset, "multi_scenario")
    other = days_of(archive, asset, "multi_scenario", SETTINGS.model_copy(update={"seed": 2}))
    assert [day.bid for day in first] == [day.bid for day in again]
    assert [day.bid for day in first] != [day.bid for day in other]


def test_backtest_days__where_clocks_change(past, asset):
    settings = BacktestSettings(first=date(2018, 3, 24), last=date(2018, 3, 26))
    days = days_of(past(60), asset, "multi_scenario", settings)
    assert [len(day.bid.grid) for day in days] == [24, 23, 24]


def test_backtest_days__too_few_past_errors_are_refused(past, asset):
    settings = BacktestSettings(first=date(2018, 2, 5), last=date(2018, 2, 6))
    with pytest.raises(InvalidInput, match=r"2018-02-05 is '4 past errors'; expected 20 or more"):
        days_of(past(10), asset, "multi_scenario", settings)


def test_backtest_days__more_scenarios_regret_less(past, asset):
    archive = past(120)
    settings = BacktestSettings(first=date(2018, 5, 1), last=date(2018, 5, 25))
    few, many = (
        sum(day.regret for day in days_of(archive, asset, "multi_scenario", settings, count))
        for count in (3, 40)
    )
    assert many < 0.8 * few
    assert np.isfinite(many)


@pytest.fixture
def starting(asset):
    """The same water, and a unit that starts at a cost and has a least power."""
    water = asset.watercourse.to_document()
    unit = water["plants"][0]["units"][0]
    unit |= {"start_cost": 40.0, "power_min": 6.0}
    return AssetConfiguration.from_document(asset.to_document() | {"watercourse": water})


COMMITTED = SETTINGS.model_copy(update={"commitment": True})


@pytest.mark.parametrize("label", ["multi_scenario", "stochastic", "blocks", "water_value"])
def test_backtest_days__with_starts__no_method_beats_foresight(past, starting, label):
    days = days_of(past(60), starting, label, COMMITTED, 6)
    assert all(day.regret >= -0.05 for day in days)
    assert sum(day.regret for day in days) > 1
    assert sum(day.starts for day in days) > 0


def test_backtest_days__starts_cost_only_where_units_are_committed(past, starting):
    archive = past(60)
    free, paid = (days_of(archive, starting, "price_independent", s) for s in (SETTINGS, COMMITTED))
    assert paid[0].perfect < free[0].perfect
    assert paid[0].no_production == pytest.approx(free[0].no_production, abs=0.05)


def test_perfect_foresight__a_unit_left_running_by_the_day_before__starts_for_nothing(
    starting, watercourse, grid
):
    # Eleven hours' water at 200 EUR/MWh all day: whoever runs already need not start.
    still = watercourse({"start_volume": 0.4})
    units = starting.watercourse.plants[0].units
    plant = still.plants[0].model_copy(update={"units": units})
    water = still.model_copy(update={"plants": (plant,)})
    off = Day(water, grid(24), True, {Identifier("U"): False})
    on = replace(off, on={Identifier("U"): True})
    stopped, running = (perfect_foresight(day, np.full(24, 200.0)) for day in (off, on))
    assert running.objective.total - stopped.objective.total == pytest.approx(40.0, abs=0.05)


def test_backtest_days__what_runs_at_midnight__is_known_to_the_next_day(
    past, starting, monkeypatch
):
    began, ended = [], []

    def delivered(day, *given):
        done = deliver(day, *given)
        began.append(dict(day.on))
        ended.append({name: bool(on[-1]) for name, on in done.schedule.unit_on.items()})
        return done

    monkeypatch.setattr(rolling, "deliver", delivered)
    days_of(past(60), starting, "price_independent", COMMITTED)
    assert began == [{}, *ended[:-1]]
    assert {"U"} == set(ended[0])


def test_backtest_days__blocks__are_told_with_those_accepted(past, starting):
    days = days_of(past(60), starting, "blocks", COMMITTED, 10)
    offered = [block for day in days for block in day.bid.blocks]
    assert offered
    for day in days:
        assert day.accepted <= {block.name for block in day.bid.blocks}
