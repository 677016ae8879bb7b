"""Checks of the points that curves are made of, whoever states them."""

from __future__ import annotations

from collections.abc import Sequence

from hydrobid.schema.findings import Place


def within(value: float, limits: Sequence[float], unit: str, place: Place) -> bool:
    """Return whether a reservoir's state lies within its limits; note it where it does not."""
    if limits[0] <= value <= limits[1]:
        return True
    place.refuse(value, f"within the reservoir's limits, {limits[0]:g} to {limits[1]:g} {unit}")
    return False


def paired(left: Sequence[float], right: Sequence[float] | None, place: Place, others: str) -> bool:
    """Return whether there are as many values as there are others; note it where not."""
    if right is None or len(left) == len(right):
        return True
    place.refuse(f"{len(left)} values", f"as many as there are {others}: {len(right)}")
    return False


def rising(values: Sequence[float], place: Place, part: str | None = None) -> bool:
    """Return whether values rise strictly; note the first that does not, or its named part."""
    for index in range(1, len(values)):
        if values[index] <= values[index - 1]:
            at = place / index
            at = at / part if part else at
            at.refuse(values[index], f"above {values[index - 1]:g}, the one before it")
            return False
    return True
