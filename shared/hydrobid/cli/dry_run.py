"""`dry-run`: a bid is held against all that the exchange says, and nothing is placed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hydrobid.cli.desk import WAIT, Bid, By, Client, Desk, Reason
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import DEFAULT, DataDir, Json
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.render import finding_line
from hydrobid.cli.text_files import written
from hydrobid.domain.dry_runs import DryRun
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.decide_approval import NamedBid
from hydrobid.pipeline.dry_run import ask_dry_run, dry_run_at, requests_in
from hydrobid.pipeline.open_bids import bid_named
from hydrobid.pipeline.ports import Document

LOOKS_A_SECOND = 4


def dry_run(
    client: Client,
    bid: Bid,
    reason: Reason,
    by: By = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answer.")] = WAIT,
    requests_file: Annotated[
        Path | None,
        typer.Option("--requests", help="Where to keep what would be sent.", show_default=False),
    ] = None,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Hold a bid against the exchange as it would be sent, and place nothing.

    The auction, its contracts and limits, the portfolio's rights and the order that stands are read from
    the exchange, and the very requests are made that sending would make. Who asked is kept in the trail.

    Example: hydrobid dry-run sintef-example 3f2a91c0b7de --reason "first day" --requests requests.json
    """
    desk = Desk.of(data_dir, client, by, reason)
    found = bid_named(desk.documents, desk.clock, bid)
    named = NamedBid(found.plan.run, found.record.price_area, str(found.record.matrix))
    asked = ask_dry_run(desk.documents, desk.clock, desk.messages, named, desk.act)
    until = time.monotonic() + wait
    done = asked
    while done.state == "ASKED" and time.monotonic() < until:
        time.sleep(1 / LOOKS_A_SECOND)
        done = dry_run_at(desk.documents, found.plan, asked.price_area) or asked
    requests = requests_in(desk.documents, done)
    if requests_file is not None and done.state == "DONE":
        written(requests_file, json.dumps(requests, indent=2) + "\n")
    if as_json:
        print_json({"client": desk.client, "dry_run": done.to_document(), "requests": requests})
    else:
        _print(done, requests)
    if done.state == "ASKED":
        raise typer.Exit(ExitCode.NOT_CONFIRMED)
    if not done.taken:
        raise typer.Exit(ExitCode.FAILED)


def _print(done: DryRun, requests: Sequence[Document]) -> None:
    area = done.price_area
    if done.state == "ASKED":
        say("Asked; there is no answer yet. The same command again asks anew.", "bold yellow")
        return
    for finding in done.findings:
        out.print(finding_line(area, finding.to_document()))
    if done.auction is not None:
        say(f"{area}: auction {done.auction.auction}, closes at {utc_text(done.auction.closes)}.")
    for act, request in zip(done.acts, requests, strict=False):
        what = " ".join(str(request[key]) for key in ("method", "path") if key in request)
        say(f"{area}: {act.replace('-', ' ')}: {what or 'one document'}.")
    if done.auction is not None and not done.acts:
        say(f"{area}: the bid stands as it is, and nothing would be sent.")
    if done.taken:
        say("Nothing speaks against it, and nothing was placed.", "green")
    else:
        say("Nothing was placed.", "bold yellow")
