"""A backtest from its inputs to what is printed and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from hydrobid.bidding.backtest.documents import (
    blocks_table,
    curves_table,
    days_table,
    standing_document,
)
from hydrobid.bidding.backtest.entrant import IN_BLOCKS
from hydrobid.bidding.backtest.statistics import Standing, standings
from hydrobid.cli.backtesting.inputs import BacktestInputs
from hydrobid.cli.backtesting.runs import run_tracks
from hydrobid.cli.backtesting.shares import percent, percents
from hydrobid.cli.render import new_table
from hydrobid.local_cloud.files import write_atomically

HORIZON_LEFT_OUT = (
    "Without the client's horizon: each day is bid from the water of its beginning, and what is left "
    "counts by water values, not by prices of the days after."
)
INFLOW_LEFT_OUT = (
    "Without the client's scenarios of inflow: inflow is what the watercourse states, and known."
)
CLOCKS = "the missing hour was dropped in spring and the repeated one used twice in autumn"


@dataclass(frozen=True)
class BacktestResults:
    """What was tested, and how each method did."""

    inputs: BacktestInputs
    standings: tuple[Standing, ...]

    def document(self) -> dict[str, Any]:
        """Return everything but the single days as JSON-ready data; shares are fractions."""
        inputs = self.inputs
        return {
            "client": str(inputs.configuration.client),
            "asset": str(inputs.asset.asset),
            "market": str(inputs.configuration.market.id),
            "currency": inputs.configuration.market.currency,
            "days": len(inputs.settings.days()),
            "settings": inputs.settings.to_document(),
            "clock_change_days": {
                option: [str(day) for day in days] for option, days in inputs.clock_days.items()
            },
            "assumed_publication": None
            if inputs.assumed_publication is None
            else inputs.assumed_publication.isoformat("minutes"),
            "left_out": list(self.left_out()),
            "methods": [standing_document(standing) for standing in self.standings],
        }

    def table(self) -> Table:
        """Return a row for each method, the least regret first."""
        table = new_table(
            "method", ">scenarios", ">regret %", ">95 % interval", ">behind best",
            f">value {self.inputs.configuration.market.currency}", ">starts", ">spill Mm3",
        )  # fmt: skip
        for standing in self.ranked():
            entrant, whole = standing.track.entrant, standing.whole
            table.add_row(
                Text(entrant.label),
                str(entrant.scenarios),
                percent(whole.share.estimate),
                percents(whole.share, whole.days),
                percents(standing.behind_best, whole.days),
                f"{whole.gain:,.0f}",
                str(whole.starts),
                f"{whole.spill:.2f}",
            )
        return table

    def ranked(self) -> list[Standing]:
        """Return the methods, the least regret first."""
        return sorted(self.standings, key=lambda standing: standing.whole.share.estimate)

    def left_out(self) -> dict[str, str]:
        """Return what of the client's daily bid has no part in a backtest, and what stands for it."""
        inputs = self.inputs
        found = {}
        if inputs.configuration.horizon is not None:
            found["horizon"] = HORIZON_LEFT_OUT
        if inputs.inflow_scenarios:
            found["inflow_scenarios"] = INFLOW_LEFT_OUT
        return found

    def remarks(self) -> Iterator[str]:
        """Yield what a reader has to know of the days."""
        settings, days = self.inputs.settings, len(self.inputs.settings.days())
        yield f"{days} days, {settings.first} to {settings.last}, {self.inputs.asset.asset}."
        if settings.commitment:
            yield "Units are on or off, at the heads of each day's start."
        yield from self.left_out().values()
        for option, changed in self.inputs.clock_days.items():
            if changed:
                count = "1 day" if len(changed) == 1 else f"{len(changed)} days"
                named = ", ".join(map(str, changed))
                yield f"{option}: {count} with 24 hours though clocks changed ({named}): {CLOCKS}."
        if self.inputs.assumed_publication is not None:
            at = self.inputs.assumed_publication.isoformat("minutes")
            yield f"--forecast states no times of publication: {at} on the day before was taken."

    def write_page(self, path: Path) -> None:
        """Write the page of tables and plots."""
        # What draws it takes a second to import: only a page that is asked for waits for it.
        from hydrobid.cli.backtesting.page import backtest_page  # noqa: PLC0415 - see above

        _write(path, backtest_page(self))

    def write_tables(self, directory: Path) -> None:
        """Write every curve, every block where a method offers any, and every day's figures as CSV."""
        tracks = [standing.track for standing in self.standings]
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / "curves.csv", curves_table(tracks))
        if any(track.entrant.method.name in IN_BLOCKS for track in tracks):
            _write(directory / "blocks.csv", blocks_table(tracks))
        _write(directory / "days.csv", days_table(tracks))


def run_backtest(inputs: BacktestInputs, workers: int | None) -> BacktestResults:
    """Return the results, after every method has had all its days.

    workers: processes; one a processor where it is None.
    """
    settings, archive = inputs.settings, inputs.archive
    tracks = run_tracks(archive, inputs.asset, inputs.entrants, settings, workers)
    means = {day: float(np.mean(archive.came(day))) for day in settings.days()}
    return BacktestResults(inputs, tuple(standings(tracks, means, settings.seed)))


def _write(path: Path, text: str) -> None:
    write_atomically(path, text.encode())
    path.chmod(0o644)  # a draft is its owner's alone
