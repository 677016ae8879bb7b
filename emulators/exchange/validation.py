"""Whether curves may be placed: every finding at once, each with the field that it concerns.

Prices and volumes are compared as the decimal numbers that were written, so 0.3 is on a lot of 0.1.
Sources: Nord Pool's hourly-bid page (points, limits as mandatory points, buying positive and selling
negative) and its portfolio limits (`curveMinVolumeLimit`, `curveMaxVolumeLimit`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from emulators.exchange.market import Auction
from emulators.exchange.market_file import MarketRules, PortfolioArea, is_multiple
from emulators.exchange.orders import Curve
from emulators.exchange.problems import Finding


@dataclass(frozen=True)
class _Point:
    """A point in exact decimals, and the field that it was read from."""

    field: str
    price: Decimal
    volume: Decimal


def check_curves(
    curves: Sequence[Curve], *, auction: Auction, rules: MarketRules, area: PortfolioArea
) -> Iterator[Finding]:
    """Yield what is wrong with the curves of one order in one price area; nothing means placeable."""
    seen: set[str] = set()
    for index, curve in enumerate(curves):
        field = f"curves[{index}]"
        if curve.contract_id not in auction.by_id:
            message = f"{curve.contract_id!r} is not a contract of {auction.id} in {area.code}"
            yield Finding(f"{field}.contractId", message)
        if curve.contract_id in seen:
            yield Finding(f"{field}.contractId", f"{curve.contract_id!r} has a curve already")
        seen.add(curve.contract_id)
        points = [
            _Point(f"{field}.curvePoints[{place}]", _exact(point.price), _exact(point.volume))
            for place, point in enumerate(curve.points)
        ]
        yield from _check_count(f"{field}.curvePoints", points, rules)
        yield from _check_ends(f"{field}.curvePoints", points, rules)
        for point in points:
            yield from _check_point(point, rules, area)
        yield from _check_shape(points)


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))


def _check_count(field: str, points: Sequence[_Point], rules: MarketRules) -> Iterator[Finding]:
    if len(points) < 2:
        yield Finding(field, f"{len(points)} points: a curve has at least 2")
    if len(points) > rules.maximum_points:
        yield Finding(field, f"{len(points)} points: a curve has at most {rules.maximum_points}")


def _check_ends(field: str, points: Sequence[_Point], rules: MarketRules) -> Iterator[Finding]:
    given = {point.price for point in points}
    for name, limit in rules.price_limits:
        if limit not in given:
            yield Finding(field, f"no point at the {name} price {limit} {rules.currency}/MWh")


def _check_point(point: _Point, rules: MarketRules, area: PortfolioArea) -> Iterator[Finding]:
    limits = rules.price_limits
    if not limits.minimum <= point.price <= limits.maximum:
        message = (
            f"{point.price} is outside {limits.minimum} to {limits.maximum} {rules.currency}/MWh"
        )
        yield Finding(f"{point.field}.price", message)
    elif not is_multiple(point.price, rules.price_tick):
        message = f"{point.price} is not a multiple of the tick {rules.price_tick}"
        yield Finding(f"{point.field}.price", message)
    lowest, highest = area.curve_min_volume_limit, area.curve_max_volume_limit
    if not lowest <= point.volume <= highest:
        message = f"{point.volume} is outside {lowest} to {highest} MW, the limits in {area.code}"
        yield Finding(f"{point.field}.volume", message)
    elif not is_multiple(point.volume, rules.volume_lot):
        message = f"{point.volume} is not a multiple of the lot {rules.volume_lot} MW"
        yield Finding(f"{point.field}.volume", message)


def _check_shape(points: Sequence[_Point]) -> Iterator[Finding]:
    for before, point in pairwise(points):
        if point.price <= before.price:
            message = f"{point.price} does not lie above the price before it, {before.price}"
            yield Finding(f"{point.field}.price", message)
        if point.volume > before.volume:
            message = (
                f"{point.volume} at {point.price} is more than {before.volume} at {before.price}: "
                "volume may not rise with price (buying is positive, selling negative)"
            )
            yield Finding(f"{point.field}.volume", message)
