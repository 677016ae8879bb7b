"""Which charts the page holds, with the words that go with each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.figures import curve_figure, day_figure, fan_figure, volume_range
from hydrobid.cli.report.statistics import area_prices, fan, price_span
from hydrobid.cli.report.words import counted, number
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.states import AreaState


@dataclass(frozen=True)
class Chart:
    """One chart. key: names its data on the page."""

    key: str
    title: str
    caption: str
    figure: dict[str, Any]


@dataclass(frozen=True)
class Charts:
    """The page's charts in the order of its sections."""

    curves: tuple[Chart, ...]
    days: tuple[Chart, ...]
    prices: tuple[Chart, ...]
    volumes: tuple[Chart, ...]

    def data(self) -> dict[str, dict[str, Any]]:
        """Return every chart's data by its key."""
        charts = (*self.curves, *self.days, *self.prices, *self.volumes)
        return {chart.key: chart.figure for chart in charts}


def charts_of(facts: RunFacts) -> Charts:
    """Return the charts of a run: curves only where there is a bid, volumes where one solved."""
    bid_areas = list(facts.total_bids)
    solved = [plan.asset for plan in facts.plan.assets if facts.solved(plan.asset)]
    return Charts(
        curves=tuple(
            Chart(
                f"curves-{area}",
                _bid_title(facts, area),
                _drawn_span(facts, area),
                curve_figure(facts, area),
            )
            for area in bid_areas
        ),
        days=tuple(
            Chart(f"day-{area}", _bid_title(facts, area), "", day_figure(facts, area))
            for area in bid_areas
        ),
        prices=tuple(_price_chart(facts, area) for area in facts.plan.price_areas),
        volumes=tuple(_volume_chart(facts, asset) for asset in solved),
    )


def _bid_title(facts: RunFacts, area: PriceArea) -> str:
    """Return an area's name, with a warning where its bid must not be taken for what was sent."""
    stopped = facts.view.areas[area].state is AreaState.REFUSED
    return f"{area}: stopped by its checks and not sent" if stopped else area


def _drawn_span(facts: RunFacts, area: PriceArea) -> str:
    """Return which prices are drawn, and what share of the scenarios' lies outside."""
    prices = area_prices(facts, area)
    low, high = price_span(prices)
    outside = float(np.mean((prices.values < low) | (prices.values > high)))
    unit = f"{facts.market.currency}/MWh"
    drawn = f"Drawn from {number(low, 0)} to {number(high, 0)} {unit}"
    if not outside:
        return f"{drawn}, which holds every scenario price of the day."
    return f"{drawn}; {number(outside * 100, 1)} % of the scenario prices lie outside."


def _price_chart(facts: RunFacts, area: PriceArea) -> Chart:
    prices = area_prices(facts, area)
    unit = f"{facts.market.currency}/MWh"
    mean = float(prices.mean.mean())
    caption = f"{counted(len(prices.values), 'scenario')}, {number(mean)} {unit} on average."
    low, high = span = price_span(prices)
    if low > prices.lowest.min() or high < prices.highest.max():
        extremes = f"{number(prices.lowest.min(), 0)} to {number(prices.highest.max(), 0)}"
        caption += f" Cut off: they reach from {extremes}."
    figure = fan_figure(facts, prices, unit, span)
    return Chart(f"prices-{area}", area, caption, figure)


def _volume_chart(facts: RunFacts, asset: AssetId) -> Chart:
    solved = facts.solved(asset)
    volumes = np.array([outcome.volumes for outcome in solved.values()])
    spread = fan(volumes, facts.probabilities(asset, solved))
    energy = float(spread.mean.sum() * facts.grid.hours)
    scenarios = counted(len(solved), "solved scenario")
    caption = f"{scenarios}, {number(energy, 0)} MWh over the day on average."
    figure = fan_figure(facts, spread, "MW", volume_range(spread))
    return Chart(f"volumes-{asset}", asset, caption, figure)
