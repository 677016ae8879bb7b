"""`bid_matrix.csv`: the valid total bids, a line a point."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import utc_text

COLUMNS = ("price_area", "mtu_start", "price", "volume")


def bid_table(matrices: Mapping[PriceArea, BidMatrix]) -> str:
    """Return the points of all curves as CSV: sorted by area, MTU and price.

    mtu_start is UTC; prices are in currency per MWh and volumes in MW, generation-positive, both
    with the decimals of the market's tick and lot, so that the bid can be read back exactly.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for area, matrix in sorted(matrices.items()):
        for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True):
            for ticks, lots in zip(curve.ticks, curve.lots, strict=True):
                price, volume = matrix.tick * ticks, matrix.lot * lots
                table.writerow((area, utc_text(start), f"{price:f}", f"{volume:f}"))
    return text.getvalue()
