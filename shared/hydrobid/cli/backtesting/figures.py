"""The plots of the backtest's page, as Plotly takes them. Shares are drawn in percent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from hydrobid.bidding.backtest.statistics import Group, Interval, Standing
from hydrobid.cli.report import palette

Figure = dict[str, Any]

# On a logarithmic axis nothing is zero: what is less is drawn here, in percent.
LEAST_DRAWN = 0.001
SHARE_AXIS = {"type": "log", "tickformat": "~g", "dtick": 1}
ROW_HEIGHT = 34
# Apart in lightness as well as in hue, dashed anew when the colours are used up.
COLORS = ("#1b4f72", "#b5460f", "#0b7a5c", "#7a4a93", "#a8861a", "#4a7fb0", "#8c3d10", "#3c4046")
DASHES = ("solid", "dot", "dash", "dashdot")

LEGEND_BELOW: Figure = {
    "legend": {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"},
    "margin": {"l": 62, "r": 16, "t": 30, "b": 90},
}


def name_of(standing: Standing) -> str:
    """Return a method's name with its number of scenarios, where it takes scenarios."""
    entrant = standing.track.entrant
    return f"{entrant.label}, {entrant.scenarios}" if entrant.on_scenarios else entrant.label


def methods_figure(ranked: Sequence[Standing]) -> Figure:
    """Return each method's regret with its interval, the least on top."""
    names = [name_of(standing) for standing in ranked]
    shares = [standing.whole.share for standing in ranked]
    return {
        "data": [_dots(shares, names, "x")],
        "layout": palette.layout(
            {**SHARE_AXIS, "title": {"text": "Regret, % of trading value", "standoff": 6}},
            {"autorange": "reversed", "type": "category"},
            "",
            height=110 + ROW_HEIGHT * len(names),
            showlegend=False,
        ),
    }


def scenarios_figure(standings: Sequence[Standing]) -> Figure | None:
    """Return regret over the number of scenarios, None where there is but one number."""
    by_label: dict[str, list[Standing]] = {}
    for standing in sorted(standings, key=lambda s: s.track.entrant.scenarios):
        if standing.track.entrant.on_scenarios:
            by_label.setdefault(standing.track.entrant.label, []).append(standing)
    lines = {label: several for label, several in by_label.items() if len(several) > 1}
    if not lines:
        return None
    counts = sorted({s.track.entrant.scenarios for several in lines.values() for s in several})
    return {
        "data": [
            {
                **_dots(
                    [s.whole.share for s in several],
                    [s.track.entrant.scenarios for s in several],
                    "y",
                ),
                "name": label,
                "mode": "lines+markers",
                "line": _line(at),
                "marker": {"size": 8, "color": _line(at)["color"]},
            }
            for at, (label, several) in enumerate(lines.items())
        ],
        "layout": palette.layout(
            {
                "type": "log",
                "tickvals": counts,
                "ticktext": [str(count) for count in counts],
                "title": {"text": "Scenarios solved for a day", "standoff": 6},
            },
            SHARE_AXIS,
            "% of trading value",
            height=340,
            showlegend=len(lines) > 1,
        ),
    }


def cumulative_figure(ranked: Sequence[Standing], currency: str) -> Figure:
    """Return what each method has forgone from the first day to each."""
    lines = []
    for at, standing in enumerate(ranked):
        days = standing.track.days
        sums = accumulate(day.regret for day in days)
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name_of(standing),
                "x": [day.day.isoformat() for day in days],
                "y": [round(max(total, 1.0), 1) for total in sums],
                "line": _line(at),
                "hovertemplate": "%{x}: %{y:,.0f} " + currency + "<extra>%{fullData.name}</extra>",
            }
        )
    return {
        "data": lines,
        "layout": palette.layout(
            {"type": "date"},
            {"type": "log", "tickformat": ",.0f", "dtick": 1},
            currency,
            height=400,
            **LEGEND_BELOW,
        ),
    }


def groups_figure(
    ranked: Sequence[Standing], groups: Callable[[Standing], Mapping[str, Group]]
) -> Figure:
    """Return each method's regret by month, or by whatever parts the days."""
    columns = list(groups(ranked[0]))
    cells = [[_drawn(groups(s)[column].share.estimate) for column in columns] for s in ranked]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name_of(standing),
                "x": columns,
                "y": row,
                "line": _line(at),
                "marker": {"size": 7, "color": _line(at)["color"]},
                "hovertemplate": "%{x}: <b>%{y:.3f} %</b><extra>%{fullData.name}</extra>",
            }
            for at, (standing, row) in enumerate(zip(ranked, cells, strict=True))
        ],
        "layout": palette.layout(
            {"type": "category"},
            SHARE_AXIS,
            "% of trading value",
            height=360,
            **LEGEND_BELOW,
        ),
    }


def _line(at: int) -> Figure:
    """Return the line of a method by its place among all."""
    dash = DASHES[at // len(COLORS) % len(DASHES)]
    return {"color": COLORS[at % len(COLORS)], "dash": dash, "width": 1.8}


def _dots(shares: Sequence[Interval], places: Sequence[Any], axis: str) -> Figure:
    """Return estimates in percent along one axis, with their intervals."""
    estimates = [_drawn(share.estimate) for share in shares]
    bars = {
        "type": "data",
        "symmetric": False,
        "array": [_drawn(s.high) - e for s, e in zip(shares, estimates, strict=True)],
        "arrayminus": [e - _drawn(s.low) for s, e in zip(shares, estimates, strict=True)],
        "color": palette.MUTED,
        "thickness": 1.4,
        "width": 4,
    }
    other = "y" if axis == "x" else "x"
    return {
        "type": "scatter",
        "mode": "markers",
        axis: estimates,
        other: list(places),
        f"error_{axis}": bars,
        "marker": {"size": 10, "color": palette.WATER},
        "hovertemplate": f"%{{{other}}}: <b>%{{{axis}:.3f}} %</b><extra></extra>",
    }


def _drawn(share: float) -> float:
    return max(round(100 * share, 5), LEAST_DRAWN)
