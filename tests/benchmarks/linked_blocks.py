"""Whether blocks that are linked to others would earn more than blocks alone, as one JSON.

    python tests/benchmarks/linked_blocks.py

SINTEF's example with units on or off is bid on days of an example's price series, times 1.6 so that it
lies around what the water is worth, 20 scenarios each: by
curves, with blocks beside them, and with short blocks besides that are taken where a long block is and
their own average price reaches the least that water costs. No rule binds the volume of a short block
to that of the long one, so what linked blocks add to the programme's worth is more than they could
earn. Worth is in % of what there is to earn, perfect foresight less no production.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hydrobid.bidding.backtest.delivery import Day, perfect_foresight, worth_idle
from hydrobid.bidding.backtest.outlook import outlook
from hydrobid.bidding.methods import blocks
from hydrobid.cli.backtesting.inputs import BacktestInputs, Request, SeriesFile, read_request
from hydrobid.hydro.curve_program import BlockCandidate, CurveProgram, SharedCurves
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.two_stage import shared_curves

CLIENTS = Path(__file__).parents[2] / "shared" / "clients"
DAYS, LONG, SHORT, LEAST_MW, FACTOR = ("2025-02-20", "2025-02-24", "2025-03-01"), 4, 6, 0.1, 1.6


@dataclass(frozen=True, eq=False)
class LinkedProgram(CurveProgram):
    """A programme whose last blocks are each taken only where another one is, their parent."""

    parents: tuple[BlockCandidate, ...] = ()

    def accepting(self, block: BlockCandidate):
        own, first = super().accepting(block), len(self.blocks) - len(self.parents)
        at = next(at for at, known in enumerate(self.blocks) if known is block)
        return own if at < first else own & super().accepting(self.parents[at - first])


def main() -> None:
    with TemporaryDirectory() as folder:
        past = scaled(Path(folder) / "past.csv")
        days = [measured(inputs_of(day, past)) for day in DAYS]
    print(json.dumps({"benchmark": "linked blocks", "days": days}))


def measured(inputs: BacktestInputs) -> dict[str, object]:
    """Return what each way of bidding a day is worth, in % of what there is to earn."""
    asset, market = inputs.asset, inputs.archive.market
    (entrant,), (date,) = inputs.entrants, inputs.settings.days()
    grid = market.grid(date)
    own = asset.model_copy(update={"method": entrant.method})
    scenarios = outlook(inputs.archive, asset.price_area, date, entrant, inputs.settings)
    program = blocks.program(market, grid, own, scenarios)
    solved = Day(asset.watercourse, grid, commitment=True)
    taken = [
        Scenario(scenarios.prices_of(asset.price_area, scenario))
        for scenario in blocks.taken_together(own, scenarios)
    ]

    def found(asked: CurveProgram) -> SharedCurves:
        curves = shared_curves(solved.problem, taken, asked, commitment=True)
        assert isinstance(curves, SharedCurves)
        return curves

    curves, alone = found(replace(program, blocks=())), found(program)
    linked = with_links(program, alone)
    both = found(linked)
    spot = inputs.archive.came(date)
    earned = (perfect_foresight(solved, spot).objective.total - worth_idle(solved)) / 100
    return {
        "day": date.isoformat(),
        "blocks": int(np.sum(alone.blocks > LEAST_MW)),
        "linked_candidates": len(linked.parents),
        "blocks_add_percent": round((alone.worth - curves.worth) / earned, 4),
        "links_add_percent": round((both.worth - alone.worth) / earned, 4),
    }


def with_links(program: CurveProgram, alone: SharedCurves) -> LinkedProgram:
    """Return the programme with each short window linked to each long block that was offered."""
    offered = zip(program.blocks, alone.blocks, strict=True)
    parents = [block for block, mw in offered if mw > LEAST_MW and block.count >= LONG]
    floor = min(block.price for block in program.blocks)
    short = sorted({(b.first, b.count) for b in program.blocks if b.count <= SHORT})
    pairs = [(BlockCandidate(*window, floor), parent) for parent in parents for window in short]
    return LinkedProgram(
        **{**vars(program), "blocks": (*program.blocks, *(child for child, _ in pairs))},
        parents=tuple(parent for _, parent in pairs),
    )


def scaled(to: Path) -> Path:
    """Write another example's prices and forecasts, times a factor."""
    source = CLIENTS / "backtest-example" / "past.csv"
    header, *rows = csv.reader(source.read_text(encoding="utf-8").splitlines())
    times = [[time, *(f"{FACTOR * float(value):.2f}" for value in rest)] for time, *rest in rows]
    to.write_text("\n".join(",".join(row) for row in (header, *times)), encoding="utf-8")
    return to


def inputs_of(day: str, past: Path) -> BacktestInputs:
    """Return SINTEF's example on an hourly market, with a price series."""
    return read_request(
        Request(
            folder=CLIENTS / "sintef-example",
            asset=None,
            market="nordic-hourly",
            commitment=True,
            prices=SeriesFile("--prices", past, "price"),
            forecast=SeriesFile("--forecast", past, "forecast"),
            timezone=None,
            published_at="08:00",
            first=day,
            last=day,
            methods="blocks",
            scenarios="20",
            generator="gaussian_copula",
            seed=1,
            imbalance_share=0.2,
            imbalance_margin=2.0,
        )
    )


if __name__ == "__main__":
    main()
