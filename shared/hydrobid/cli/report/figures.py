"""The charts as data for plotly.js: bid curves by MTU, volumes over the day, fans of scenarios."""

from __future__ import annotations

from typing import Any

import numpy as np

from hydrobid.cli.report import palette
from hydrobid.cli.report.day_axis import day_axis, mtu_labels
from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.statistics import Fan, Floats, area_prices, price_span, volumes_at
from hydrobid.cli.report.words import number
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import PriceArea

PRICE_LEVELS = 61
MOST_THREADS = 120
Figure = dict[str, Any]


def curve_figure(facts: RunFacts, area: PriceArea) -> Figure:
    """Return an area's bid curves: for each MTU the total, the partial bids and the scenarios.

    `lines` names and styles the curves; each of `mtus` holds as many (x, y), clipped to the prices
    that are drawn. `first` is the MTU with the highest expected price.
    """
    total, prices = facts.total_bids[area], area_prices(facts, area)
    low, high = price_span(prices)
    lines, matrices = _curves_of(facts, area)
    offered = [
        [_drawn(matrix, mtu, low, high) for matrix in matrices] for mtu in range(len(total.grid))
    ]
    expected = prices.mean
    at_expected = volumes_at(total, expected)
    dots = _scenario_dots(facts, area)
    volumes = [volume for curves in offered for _, ys in curves for volume in ys]
    volumes += [] if dots is None else [volume for row in dots[1] for volume in row]
    return {
        "lines": lines,
        "first": int(np.argmax(expected)),
        "mtus": [
            {
                "label": label,
                "curves": [{"x": xs, "y": ys} for xs, ys in offered[mtu]],
                "dots": None if dots is None else {"x": dots[0][mtu], "y": dots[1][mtu]},
                "expected": round(float(expected[mtu]), 2),
                "note": _note(facts, total, mtu, float(expected[mtu]), float(at_expected[mtu])),
            }
            for mtu, label in enumerate(mtu_labels(total.grid, facts.market.zone))
        ],
        "layout": palette.layout(
            {
                "title": {"text": f"Price, {facts.market.currency}/MWh", "standoff": 6},
                "range": [low, high],
            },
            {"range": _padded(min(volumes), max(volumes))},
            "MW",
            height=400,
            hovermode="closest",
        ),
    }


def day_figure(facts: RunFacts, area: PriceArea) -> Figure:
    """Return a heat map of the volume over the day and the price, with where prices may fall."""
    total, prices = facts.total_bids[area], area_prices(facts, area)
    low, high = price_span(prices)
    levels = np.linspace(low, high, PRICE_LEVELS)
    mtus = len(total.grid)
    volumes = np.array([volumes_at(total, np.full(mtus, level)) for level in levels])
    labels = mtu_labels(total.grid, facts.market.zone)
    currency = facts.market.currency
    heat = {
        "type": "heatmap",
        "x": [position + 0.5 for position in range(mtus)],
        "y": levels.round(2).tolist(),
        "z": volumes.round(1).tolist(),
        "colorscale": palette.volume_scale(float(volumes.min()), float(volumes.max())),
        "colorbar": {"title": {"text": "MW"}, "thickness": 12, "outlinewidth": 0, "len": 0.9},
        "text": [labels] * PRICE_LEVELS,
        "hovertemplate": f"%{{text}}<br>at %{{y:.1f}} {currency}/MWh: <b>%{{z:.1f}} MW</b><extra></extra>",
    }
    lines = [
        *_haloed(prices.low, "10 % and 90 %", 0.9),
        *_haloed(prices.high, "90 %", 0.9, showlegend=False),
        *_haloed(prices.median, "Median scenario price", 2.4),
    ]
    return {
        "data": [heat, *lines],
        "layout": palette.layout(
            day_axis(total.grid, facts.market.zone),
            {"range": [low, high], "showgrid": False},
            f"{currency}/MWh",
            height=380,
        ),
    }


def fan_figure(facts: RunFacts, spread: Fan, unit: str, y_range: tuple[float, float]) -> Figure:
    """Return a fan of scenarios over the day: each a thread, their spread as bands, the median."""
    labels = mtu_labels(facts.grid, facts.market.zone)
    table = np.stack([spread.lowest, spread.low, spread.median, spread.high, spread.highest])
    hover = (
        "<b>%{text}</b><br>highest %{customdata[4]:.1f}<br>90 %: %{customdata[3]:.1f}"
        "<br>median %{customdata[2]:.1f}<br>10 %: %{customdata[1]:.1f}"
        f"<br>lowest %{{customdata[0]:.1f}} {unit}<extra></extra>"
    )
    nothing = {"width": 0}
    return {
        "data": [
            _threads(spread),
            _step(spread.lowest, "Lowest", nothing),
            _step(spread.highest, "Lowest to highest", nothing, **_filled(palette.WATER_WASH)),
            _step(spread.low, "10 %", nothing),
            _step(spread.high, "10 % to 90 %", nothing, **_filled(palette.WATER_BAND)),
            _step(
                spread.median,
                "Median",
                {"color": palette.WATER, "width": 2.2},
                hoverinfo=None,
                hovertemplate=hover,
                text=[*labels, labels[-1]],
                customdata=np.column_stack([table, table[:, -1]]).T.round(2).tolist(),
            ),
        ],
        "layout": palette.layout(
            day_axis(facts.grid, facts.market.zone),
            {"range": list(y_range)},
            unit,
            height=280,
            hovermode="x",
            showlegend=False,
        ),
    }


def volume_range(spread: Fan) -> tuple[float, float]:
    """Return the extent of a chart that shows all of the volumes, and zero."""
    return _padded(min(0.0, float(spread.lowest.min())), max(0.0, float(spread.highest.max())))


def _curves_of(facts: RunFacts, area: PriceArea) -> tuple[list[Figure], list[BidMatrix]]:
    """Return names and styles of an area's curves, and the bids: the total, then any partial.

    The partial bid of an asset that is alone in its area is the total and not drawn twice.
    """
    lines: list[Figure] = [{"name": "Total bid", "line": {"color": palette.INK, "width": 2.6}}]
    matrices = [facts.total_bids[area]]
    planned = facts.plan.assets_in(area)
    if len(planned) > 1:
        assets = [plan.asset for plan in planned if plan.asset in facts.partial_bids]
        styles = map(palette.asset_style, range(len(assets)))
        lines += [{"name": a, "line": style} for a, style in zip(assets, styles, strict=True)]
        matrices += [facts.partial_bids[asset] for asset in assets]
    return lines, matrices


def _padded(low: float, high: float) -> tuple[float, float]:
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _drawn(matrix: BidMatrix, mtu: int, low: float, high: float) -> tuple[list[float], list[float]]:
    """Return a curve's points between two prices, cut where it enters and leaves."""
    curve, tick, lot = matrix.curves[mtu], float(matrix.tick), float(matrix.lot)
    inner = [ticks for ticks in curve.ticks if low < ticks * tick < high]
    at = np.array([low / tick, *inner, high / tick])
    volumes = np.interp(at, curve.ticks, curve.lots) * lot
    return (at * tick).round(3).tolist(), volumes.round(3).tolist()


def _note(facts: RunFacts, total: BidMatrix, mtu: int, expected: float, volume: float) -> str:
    curve, currency = total.curves[mtu], facts.market.currency
    ends = [(total.price(curve.ticks[at]), total.volume(curve.lots[at])) for at in (0, -1)]
    (low, low_volume), (high, high_volume) = ends
    with_blocks, of_curve = (", blocks included", " the curve has") if total.blocks else ("", "")
    return (
        f"{number(volume)} MW at the expected price of {number(expected)} {currency}/MWh"
        f"{with_blocks}. At the market\u2019s limits{of_curve}: {number(low_volume)} MW "
        f"at {number(low, 0)}, {number(high_volume)} MW at {number(high, 0)} {currency}/MWh."
    )


def _scenario_dots(
    facts: RunFacts, area: PriceArea
) -> tuple[list[list[float]], list[list[float]]] | None:
    """Return prices and summed volumes, a row an MTU, of scenarios that every asset has solved.

    None where the area's bid rests on several scenario sets or no scenario is solved by all.
    """
    assets = facts.plan.assets_in(area)
    if len({asset.scenario_set for asset in assets}) > 1:
        return None
    solved = [facts.solved(asset.asset) for asset in assets]
    common = [scenario for scenario in assets[0].scenarios if all(scenario in s for s in solved)]
    if not common:
        return None
    shown = _spread_out(len(common))
    scenarios = facts.scenario_set(assets[0].asset)
    prices = np.array([scenarios.prices_of(area, common[at]) for at in shown])
    volumes = np.sum(
        [np.array([outcomes[common[at]].volumes for at in shown]) for outcomes in solved], axis=0
    )
    return prices.T.round(2).tolist(), volumes.T.round(2).tolist()


def _spread_out(count: int) -> list[int]:
    """Return at most MOST_THREADS positions, evenly over `count`, first and last included."""
    positions = np.linspace(0, count - 1, min(count, MOST_THREADS)).round().astype(int)
    return [int(position) for position in positions]


def _threads(spread: Fan) -> Figure:
    """Return the single scenarios as one faint line with gaps."""
    count, mtus = spread.values.shape
    ranked = np.argsort(spread.values.mean(axis=1), kind="stable")
    xs: list[float | None] = []
    ys: list[float | None] = []
    for at in _spread_out(count):
        values = spread.values[ranked[at]].round(2).tolist()
        xs += [*range(mtus + 1), None]
        ys += [*values, values[-1], None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "name": "Single scenarios",
        "line": palette.thread(count),
        "hoverinfo": "skip",
    }


def _step(series: Floats, name: str, line: dict[str, Any], **more: Any) -> Figure:
    """Return a line that holds each MTU's value to its end."""
    values = series.round(2).tolist()
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(values) + 1)),
        "y": [*values, values[-1]],
        "name": name,
        "line": {"shape": "hv", **line},
        "hoverinfo": "skip",
        **more,
    }


def _haloed(series: Floats, name: str, width: float, **more: Any) -> list[Figure]:
    """Return a line that is read on dark and on light: ink on a pale ribbon."""
    ribbon = {"color": palette.HALO, "width": width + 2.4}
    line = {"color": palette.INK, "width": width}
    return [_step(series, "", ribbon, showlegend=False), _step(series, name, line, **more)]


def _filled(color: str) -> dict[str, Any]:
    return {"fill": "tonexty", "fillcolor": color}
