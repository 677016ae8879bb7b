"""The backtest's page: one file that holds all it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hydrobid.bidding.backtest.statistics import Group, Standing
from hydrobid.cli.backtesting.figures import (
    cumulative_figure,
    groups_figure,
    methods_figure,
    name_of,
    scenarios_figure,
)
from hydrobid.cli.backtesting.shares import percent, percents
from hydrobid.cli.report.html import environment, scripts
from hydrobid.cli.report.words import counted, day_text, number

if TYPE_CHECKING:
    from hydrobid.cli.backtesting.results import BacktestResults


def backtest_page(results: BacktestResults) -> str:
    """Return the page as HTML. The same backtest gives the same page."""
    return environment().get_template("backtest.html").render(_content(results))


def _content(results: BacktestResults) -> dict[str, Any]:
    inputs, ranked = results.inputs, results.ranked()
    market, settings = inputs.configuration.market, inputs.settings
    first, last = settings.first, settings.last
    best = ranked[0]
    charts = {
        "methods": methods_figure(ranked),
        "scenarios": scenarios_figure(results.standings),
        "cumulative": cumulative_figure(ranked, market.currency),
        "months": groups_figure(ranked, lambda standing: standing.months),
        "regimes": groups_figure(ranked, lambda standing: standing.regimes),
    }
    return {
        "client": inputs.configuration.client,
        "asset": inputs.asset.asset,
        "market": market,
        "span": f"{first} to {last}",
        "headline": _headline(best),
        "standfirst": _standfirst(best, len(settings.days())),
        "from_to": f"{day_text(first)} to {day_text(last)}",
        "figures": _key_figures(ranked, len(settings.days()), market.currency),
        "rows": [_row(standing) for standing in ranked],
        "months": _parts(ranked, "months"),
        "regimes": _parts(ranked, "regimes"),
        "remarks": list(results.remarks()),
        "settings": settings,
        "chart_data": {key: chart for key, chart in charts.items() if chart is not None},
        **scripts(),
    }


def _headline(best: Standing) -> str:
    scenarios = " scenarios" if best.track.entrant.on_scenarios else ""
    return f"Nearest to perfect foresight: {name_of(best)}{scenarios}"


def _standfirst(best: Standing, days: int) -> str:
    share = best.whole.share
    interval = f"; 95 % interval {percents(share, days)} %" if days > 1 else ""
    return (
        f"Over {counted(days, 'day')} it forwent {percent(share.estimate)} % of what there was to "
        f"earn by trading{interval}."
    )


def _key_figures(ranked: list[Standing], days: int, currency: str) -> list[tuple[str, str]]:
    best = ranked[0]
    return [
        (f"{percent(best.whole.share.estimate)} %", f"regret of {name_of(best)}, the least"),
        (
            f"{percent(ranked[-1].whole.share.estimate)} %",
            f"regret of {name_of(ranked[-1])}, the most",
        ),
        (
            number(best.whole.trading_value / days, 0),
            f"{currency} a day there was to earn by trading",
        ),
        (number(days, 0), "days, each bid on what was known the day before"),
    ]


def _row(standing: Standing) -> dict[str, str]:
    whole, days = standing.whole, standing.track.days
    return {
        "name": name_of(standing),
        "share": percent(whole.share.estimate),
        "interval": percents(whole.share, whole.days),
        "behind": percents(standing.behind_best, whole.days),
        "value": number(whole.gain, 0),
        "starts": number(whole.starts, 0),
        "spill": number(whole.spill, 2),
        "shortage": number(sum(day.shortage for day in days), 1),
        "surplus": number(sum(day.surplus for day in days), 1),
    }


def _parts(ranked: list[Standing], name: str) -> dict[str, Any]:
    """Return a table: a row for each method, a column for each part of the days."""

    def groups(standing: Standing) -> Mapping[str, Group]:
        parts: Mapping[str, Group] = getattr(standing, name)
        return parts

    return {
        "columns": [
            (part, counted(group.days, "day")) for part, group in groups(ranked[0]).items()
        ],
        "rows": [
            (name_of(s), [percent(group.share.estimate) for group in groups(s).values()])
            for s in ranked
        ],
    }
