"""Writes a run's files: each whole or not at all, and the same bytes for the same run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydrobid.cli.report.bid_table import bid_table
from hydrobid.cli.report.blocks_table import blocks_table
from hydrobid.cli.report.facts import gather
from hydrobid.cli.report.page import report_page
from hydrobid.cli.report.results_table import results_table
from hydrobid.cli.report.run_document import json_text, run_document
from hydrobid.cli.text_files import written
from hydrobid.domain.errors import ForeignClient
from hydrobid.domain.identifiers import ClientId, RunId
from hydrobid.pipeline.ports import Documents


def write_run(
    directory: Path,
    client: ClientId,
    documents: Documents,
    run: RunId,
    orders: Sequence[dict[str, Any]],
) -> list[Path]:
    """Write a run's files into `directory`, which is made where needed, and return their paths.

    `run.json` holds the plan and every record; `bid_matrix.csv` the total bids that passed their
    checks, its heading alone where none did; `blocks.csv` their blocks, where they have any; `orders.json` the orders as given, which is as the
    exchange stores them; `results.csv`, once there are any, what was sold; `report.html` all of it
    for people.

    Raises:
        NotFound: no such run. ForeignClient: the run is another client's. CorruptDocument: stored
        content is not what it was. OSError: the directory cannot be written.
    """
    facts = gather(documents, run)
    if facts.plan.client != client:
        raise ForeignClient(
            f"run {run} is {facts.plan.client}'s, not {client}'s",
            run=str(run),
            client=str(client),
            belongs_to=str(facts.plan.client),
        )
    bids = facts.valid_bids()
    files = {
        "run.json": json_text(run_document(facts)),
        "bid_matrix.csv": bid_table(bids),
        **({"blocks.csv": blocks_table(bids)} if any(bid.blocks for bid in bids.values()) else {}),
        "orders.json": json_text(list(orders)),
        **({"results.csv": results_table(facts.results)} if facts.results else {}),
        "report.html": report_page(facts),
    }
    directory.mkdir(parents=True, exist_ok=True)
    return [written(directory / name, text) for name, text in files.items()]
