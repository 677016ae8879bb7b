"""A bid as a person wants it: their changes applied, in the market's ticks, lots and points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from hydrobid.bidding.reduction import within_points
from hydrobid.domain.bid_edits import CurveEdit, GivenCurve, VolumeEdit
from hydrobid.domain.blocks import without
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.time import MtuGrid, utc_text

Curves = list[BidCurve | None]


def edited(
    matrix: BidMatrix | None,
    market: Market,
    area: PriceArea,
    day: date,
    edit: CurveEdit | VolumeEdit,
) -> BidMatrix:
    """Return a bid with an edit applied; matrix: None where there is none yet.

    In the MTUs that are edited the curves are all that is sold: the blocks that reach into them go,
    and those that are linked to these.

    Raises:
        InvalidInput: every fault of the edit, with what would be right.
    """
    grid = market.grid(day)
    before = matrix if matrix is not None and matrix.grid == grid else None
    curves: Curves = [None] * len(grid) if before is None else list(before.curves)
    if isinstance(edit, CurveEdit):
        problems = _put_curves(curves, market, grid, edit.curves)
    else:
        problems = _put_volume(curves, market, grid, edit)
    missing = [start for start, curve in zip(grid.starts(), curves, strict=True) if curve is None]
    if missing and not problems:
        value = f"{len(missing)} missing, {utc_text(missing[0])} first"
        problems.append(Problem("bid", "curves", value, f"one for each of {len(grid)} MTUs"))
    if problems:
        raise InvalidInput(problems)
    fitted = tuple(within_points(curve, market) for curve in curves if curve is not None)
    blocks = () if before is None else without(before.blocks, _chosen(grid, edit))
    return BidMatrix(area, grid, market.price_tick, market.volume_lot, fitted, blocks)


def _chosen(grid: MtuGrid, edit: CurveEdit | VolumeEdit) -> list[int]:
    """Return the positions of the MTUs that an edit is about."""
    if isinstance(edit, CurveEdit):
        given = {one.start for one in edit.curves}
        return [at for at, begin in enumerate(grid.starts()) if begin in given]
    start, end = edit.start or grid.start, edit.end or grid.end
    return [at for at, begin in enumerate(grid.starts()) if start <= begin < end]


def _put_curves(
    curves: Curves, market: Market, grid: MtuGrid, given: Sequence[GivenCurve]
) -> list[Problem]:
    """Put given curves at their MTUs; return what is wrong with them."""
    index = {start: position for position, start in enumerate(grid.starts())}
    problems: list[Problem] = []
    for one in given:
        start = utc_text(one.start)
        if one.start in index:
            found = _curve(one, market, f"curve of {start}")
            if isinstance(found, BidCurve):
                curves[index[one.start]] = found
            else:
                problems += found
        else:
            expected = f"the start of an MTU from {utc_text(grid.start)} to {utc_text(grid.end)}"
            problems.append(Problem("curves", "start", start, expected))
    return problems


def _curve(given: GivenCurve, market: Market, document: str) -> BidCurve | list[Problem]:
    """Return a given curve from price limit to price limit, or what is wrong with it."""
    problems: list[Problem] = []
    lots: dict[int, int] = {}
    for point in given.points:
        tick, off_tick = divmod(point.price, market.price_tick)
        lot, off_lot = divmod(point.volume, market.volume_lot)
        if off_tick or not market.price_min <= point.price <= market.price_max or tick in lots:
            expected = (
                f"a multiple of {market.price_tick} from {market.price_min} to {market.price_max}, "
                "each once"
            )
            problems.append(Problem(document, "price", str(point.price), expected))
        if off_lot:
            problems.append(_off_lot(document, point.volume, market))
        lots[int(tick)] = int(lot)
    if problems:
        return problems
    first, last = lots[min(lots)], lots[max(lots)]
    points = sorted({market.min_ticks: first, market.max_ticks: last, **lots}.items())
    if any(right[1] < left[1] for left, right in pairwise(points)):
        volumes = ", ".join(str(point.volume) for point in given.points)
        return [Problem(document, "volumes", volumes, "volumes that never fall as the price rises")]
    return BidCurve(tuple(tick for tick, _ in points), tuple(lot for _, lot in points))


def _put_volume(curves: Curves, market: Market, grid: MtuGrid, edit: VolumeEdit) -> list[Problem]:
    """Put a volume at the MTUs of a stretch; return what is wrong with it."""
    lot, rest = divmod(edit.volume, market.volume_lot)
    if rest:
        return [_off_lot("request", edit.volume, market)]
    chosen = _chosen(grid, edit)
    if not chosen:
        start, end = edit.start or grid.start, edit.end or grid.end
        expected = f"a stretch of the day, {utc_text(grid.start)} to {utc_text(grid.end)}"
        return [Problem("request", "start, end", f"{utc_text(start)}, {utc_text(end)}", expected)]
    ends = (market.min_ticks, market.max_ticks)
    for at in chosen:
        curve = curves[at]
        if edit.kind == "volume":
            curves[at] = BidCurve(ends, (int(lot), int(lot)))
        elif curve is not None:
            curves[at] = _bounded(curve, market, int(lot), most=edit.kind == "at_most")
    return []


def _bounded(curve: BidCurve, market: Market, bound: int, *, most: bool) -> BidCurve:
    """Return a curve kept at or below a bound in lots, or at or above it."""
    points = dict(zip(curve.ticks, curve.lots, strict=True))
    if market.interpolation == "linear":
        # Where a line meets the bound, it bends.
        for (left, low), (right, high) in pairwise(sorted(points.items())):
            if low < bound < high:
                share = (bound - low) * (right - left)
                rise = high - low
                points[left + (-(-share // rise) if most else share // rise)] = bound
    keep = min if most else max
    ticks = sorted(points)
    return BidCurve(tuple(ticks), tuple(keep(points[tick], bound) for tick in ticks))


def _off_lot(document: str, volume: Decimal, market: Market) -> Problem:
    return Problem(document, "volume", str(volume), f"a multiple of {market.volume_lot} MW")
