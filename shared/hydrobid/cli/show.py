"""`show` and `events`: a run as it stands, and the trail that led there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from hydrobid.cli.connection import connect
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.local_cloud.state import CloudState
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import err, out, print_json, say
from hydrobid.cli.render import new_table, result_view
from hydrobid.cli.summary import run_summary
from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId, RunId
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import read_run, run_events, trail_faults

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

Run = Annotated[str, typer.Argument(metavar="RUN", help="As nordic~2026-03-29~r1.")]
Client = Annotated[
    str | None,
    typer.Option(
        help="Whose run, where several clients have one of that name.", show_default=False
    ),
]


def show(
    run: Run, client: Client = None, data_dir: DataDir = DEFAULT, as_json: Json = False
) -> None:
    """Show how a run stands: its assets, price areas, orders and alerts.

    Example: hydrobid show nordic~2026-03-29~r1 --client sintef-example
    """
    run_id = RunId.parse(run)
    console, state = connect(data_folder(data_dir))
    documents = _documents_with(console, state, run_id, client)
    summary = run_summary(documents, read_run(documents, run_id))
    if as_json:
        print_json(summary)
    else:
        out.print(result_view(summary))


def events(
    run: Run, client: Client = None, data_dir: DataDir = DEFAULT, as_json: Json = False
) -> None:
    """Show a run's events, and check that each entity's chain of hashes is whole.

    Ends with exit code 1 when a chain is broken.

    Example: hydrobid events nordic~2026-03-29~r1 --json
    """
    run_id = RunId.parse(run)
    console, state = connect(data_folder(data_dir))
    documents = _documents_with(console, state, run_id, client)
    trail = run_events(documents, run_id)
    faults = trail_faults(documents, trail)
    if as_json:
        print_json({"run": run, "events": [e.to_document() for e in trail], "faults": faults})
    else:
        table = new_table("market time", "event", "by", "entity", ">version")
        for event in trail:
            entity = event.entity.removeprefix(f"{paths.entity_of(paths.run(run_id))}:")
            when = utc_text(event.at.replace(microsecond=0))
            cells = (when, event.type, event.actor, entity, str(event.version))
            table.add_row(*map(Text, cells))
        out.print(table)
        if not faults:
            say(f"{len(trail)} events; every chain is whole.", "green")
        for fault in faults:
            err.print(Text(fault, style="bold red"))
    if faults:
        raise typer.Exit(ExitCode.FAILED)


def _documents_with(
    console: Console, state: CloudState, run: RunId, client: str | None
) -> Documents:
    """Return the documents of the one client that has the run.

    Raises:
        NotFound: nobody has it. InvalidInput: no such client, or several have it.
    """
    if client is not None and client not in state.clients:
        known = ", ".join(state.clients)
        raise InvalidInput.of("command line", "--client", client, f"one of {known}")
    asked = state.clients if client is None else (ClientId(client),)
    owners = [c for c in asked if console.documents(c).get(paths.run(run)) is not None]
    if not owners:
        raise NotFound(f"no run {run} of {', '.join(asked)}", run=str(run), clients=list(asked))
    if len(owners) > 1:
        expected = f"one of {', '.join(owners)}: each of them has a run {run}"
        raise InvalidInput.of("command line", "--client", client, expected)
    return console.documents(owners[0])
