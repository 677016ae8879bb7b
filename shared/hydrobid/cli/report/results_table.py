"""What was sold: a row of figures a price area, and `results.csv` with every market time unit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.tables import Status
from hydrobid.cli.report.words import number
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.time import utc_text

COLUMNS = ("price_area", "mtu_start", "price", "volume", "expected")
HUNDREDTHS = 2


@dataclass(frozen=True)
class ResultRow:
    """One price area's result. price: the mean of the day. sold, bought: MWh. deviation: MW."""

    area: PriceArea
    status: Status
    bid: str
    price: float
    sold: float
    bought: float
    worth: float
    deviation: str


def result_rows(facts: RunFacts) -> list[ResultRow]:
    """Return a row for each price area whose result is known."""
    return [_row(facts, area, result) for area, result in facts.results.items()]


def results_table(results: Mapping[PriceArea, AuctionResult]) -> str:
    """Return every MTU as CSV: price in currency per MWh, volumes in MW, generation-positive.

    expected: what the bid that stood sells at that price; empty where none of ours stood.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for area, result in sorted(results.items()):
        published = result.published
        expected = result.expected or ("",) * len(published.prices)
        rows = zip(
            published.grid.starts(), published.prices, published.volumes, expected, strict=True
        )
        for start, *figures in rows:
            table.writerow((area, utc_text(start), *figures))
    return text.getvalue()


def deviation_of(result: AuctionResult) -> float | None:
    """Return by how many MW at most a result is off its bid, None where none of ours stood.

    Half a lot is rounding; more need not be wrong either, as at the step of a curve.
    """
    if result.expected is None:
        return None
    return float(np.abs(result.published.sold - np.array(result.expected)).max())


def _row(facts: RunFacts, area: PriceArea, result: AuctionResult) -> ResultRow:
    published = result.published
    energy = published.sold * published.grid.hours
    final = published.status == "final"
    deviation = deviation_of(result)
    if result.run is None:
        bid = "none of ours"
    else:
        bid = (
            "this run\u2019s" if result.run == facts.plan.run else f"revision {result.run.revision}"
        )
    return ResultRow(
        area=area,
        status=Status(published.status, "good" if final else "warn"),
        bid=bid,
        price=float(np.mean(published.prices)),
        sold=float(energy[energy > 0].sum()),
        bought=-float(energy[energy < 0].sum()),
        worth=published.revenue,
        deviation="\u2013" if deviation is None else number(deviation, HUNDREDTHS),
    )
