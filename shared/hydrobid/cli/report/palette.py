"""The report's colours, and what all its charts share."""

from __future__ import annotations

from typing import Any

INK = "#22262b"
MUTED = "#6a6e73"
RULE = "#e3e0d8"
WATER = "#1b4f72"
WATER_BAND = "rgba(27, 79, 114, 0.22)"
WATER_WASH = "rgba(27, 79, 114, 0.08)"
THREAD = "rgba(27, 79, 114, 0.16)"
SIGNAL = "#b5460f"

SANS = 'Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif'

# Apart in lightness as well as in hue, and each with dashes of its own: told apart in grey.
ASSET_STYLES = (
    ("#b5460f", "dash"),
    ("#0b7a5c", "dot"),
    ("#7a4a93", "dashdot"),
    ("#a8861a", "longdash"),
    ("#4a7fb0", "longdashdot"),
)

GENERATION_SCALE = (
    (0.0, "#fbfaf5"),
    (0.25, "#cfdfe8"),
    (0.5, "#8db4cb"),
    (0.75, "#457fa5"),
    (1.0, WATER),
)
PUMPING = ("#8c3d10", "#e8b48f")


def asset_style(index: int) -> dict[str, Any]:
    """Return the line of an asset by its place in the plan."""
    color, dash = ASSET_STYLES[index % len(ASSET_STYLES)]
    return {"color": color, "dash": dash, "width": 1.6}


def volume_scale(low: float, high: float) -> list[tuple[float, str]]:
    """Return a colour scale over volumes from `low` to `high` MW in which zero is paper.

    Generation deepens to blue; pumping, below zero, to brown.
    """
    if low >= 0:
        return list(GENERATION_SCALE)
    if high <= 0:
        return [(0.0, PUMPING[0]), (0.5, PUMPING[1]), (1.0, GENERATION_SCALE[0][1])]
    zero = -low / (high - low)
    above = [(zero + (1 - zero) * at, color) for at, color in GENERATION_SCALE]
    return [(0.0, PUMPING[0]), (zero / 2, PUMPING[1]), *above]


def layout(x: dict[str, Any], y: dict[str, Any], height: int, **more: Any) -> dict[str, Any]:
    """Return a chart's layout: thin rules, no frame, room for what is drawn."""
    axis = {
        "gridcolor": RULE,
        "zerolinecolor": "#b9b5aa",
        "linecolor": "#b9b5aa",
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#b9b5aa",
        "automargin": True,
        "fixedrange": True,
    }
    return {
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 34, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": SANS, "size": 12, "color": INK},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": RULE, "font": {"family": SANS}},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "separators": ".\u202f",
        "xaxis": {**axis, "zeroline": False, **x},
        "yaxis": {**axis, **y},
        **more,
    }
