"""What a person changes of a bid: whole curves, the volume of a stretch of the day, or all back.

Where a bid is changed there are no blocks any more: a stretch sells what its curves say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from hydrobid.domain.base import Value

Amount = Annotated[Decimal, Field(ge=-1_000_000, le=1_000_000, decimal_places=6)]
"""A price or a volume as somebody types it; the market's own limits are narrower."""

MOST_POINTS = 1000
MOST_CURVES = 100


class Point(Value):
    """price: currency per MWh. volume: MW, generation-positive."""

    price: Amount
    volume: Amount


class GivenCurve(Value):
    """The curve of the MTU that begins at `start`; beyond its points it is flat."""

    start: AwareDatetime
    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=MOST_POINTS)]


class CurveEdit(Value):
    """Curves that take the place of those of their MTUs; the others stay."""

    kind: Literal["curves"] = "curves"
    curves: Annotated[tuple[GivenCurve, ...], Field(min_length=1, max_length=MOST_CURVES)]


class VolumeEdit(Value):
    """The volume, MW, of the MTUs that begin in `[start, end)`; from and to the day's ends if None.

    volume: the same at every price. at_most, at_least: where the curve goes beyond it, and there
    alone.
    """

    kind: Literal["volume", "at_most", "at_least"]
    volume: Amount
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None


class ComputedEdit(Value):
    """Everything as it was computed, before people changed it."""

    kind: Literal["computed"] = "computed"


BidEdit = Annotated[CurveEdit | VolumeEdit | ComputedEdit, Field(discriminator="kind")]
