"""The report's colours, and what all its charts share."""

from __future__ import annotations

from typing import Any

INK = "#22262b"
MUTED = "#6a6e73"
RULE = "#e3e0d8"
WATER = "#1b4f72"
WATER_BAND = "rgba(27, 79, 114, 0.22)"
WATER_WASH = "rgba(27, 79, 114, 0.08)"
HALO = "rgba(255, 253, 248, 0.8)"
AXIS = "#b9b5aa"

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
PUMPING = "#8c3d10"
PALEST_PUMPING = 0.35


def asset_style(index: int) -> dict[str, Any]:
    """Return the line of an asset by its place in the plan."""
    color, dash = ASSET_STYLES[index % len(ASSET_STYLES)]
    return {"color": color, "dash": dash, "width": 1.6}


def volume_scale(low: float, high: float) -> list[tuple[float, str]]:
    """Return a colour scale over volumes from `low` to `high` MW in which zero is paper.

    Generation deepens to blue; pumping, below zero, to brown, as dark as it is large beside the
    generation.
    """
    paper = GENERATION_SCALE[0][1]
    if low >= 0:
        return list(GENERATION_SCALE)
    if high <= 0:
        return [(0.0, PUMPING), (1.0, paper)]
    zero = -low / (high - low)
    above = [(zero + (1 - zero) * at, color) for at, color in GENERATION_SCALE]
    depth = max(PALEST_PUMPING, min(1.0, -low / high))
    return [(0.0, _mixed(paper, PUMPING, depth)), *above]


def _mixed(first: str, second: str, share: float) -> str:
    """Return a colour that is `second` by `share` and `first` otherwise; both as #rrggbb."""
    channels = [(int(first[at : at + 2], 16), int(second[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)


def thread(count: int) -> dict[str, Any]:
    """Return the line of one of `count` scenarios: the more there are, the fainter each."""
    alpha = max(0.04, min(0.3, 7 / count))
    return {"color": f"rgba(27, 79, 114, {alpha:.2f})", "width": 0.7, "shape": "hv"}


def layout(
    x: dict[str, Any], y: dict[str, Any], unit: str, height: int, **more: Any
) -> dict[str, Any]:
    """Return a chart's layout: thin rules, no frame; the unit of y is written above its axis."""
    axis = {
        "gridcolor": RULE,
        "zerolinecolor": AXIS,
        "linecolor": AXIS,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": AXIS,
        "automargin": True,
        "fixedrange": True,
    }
    return {
        "height": height,
        "margin": {"l": 48, "r": 16, "t": 30, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": SANS, "size": 12, "color": INK},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": RULE, "font": {"family": SANS}},
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.01, "yanchor": "bottom"},
        "annotations": [
            {
                "text": unit,
                "showarrow": False,
                "xref": "paper",
                "yref": "paper",
                "x": 0,
                "y": 1.02,
                "xanchor": "left",
                "yanchor": "bottom",
                "xshift": -36,
                "font": {"size": 12, "color": MUTED},
            }
        ],
        "separators": ".\u202f",
        "xaxis": {**axis, "zeroline": False, **x},
        "yaxis": {**axis, **y},
        **more,
    }
