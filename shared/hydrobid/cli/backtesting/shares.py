"""How shares of regret are written."""

from __future__ import annotations

from hydrobid.bidding.backtest.statistics import Interval


def percent(share: float) -> str:
    """Return a share in percent with as many digits as small regrets need."""
    return f"{100 * share:.3f}"


def percents(interval: Interval, days: int) -> str:
    """Return the bounds of an interval in percent, a dash for one day, which says nothing of others."""
    if days == 1:
        return "-"
    return f"{percent(interval.low)} to {percent(interval.high)}"
