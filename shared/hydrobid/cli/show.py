"""`show` and `events`: a run as it stands, and the trail that led there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import err, out, print_json, say
from hydrobid.cli.owner import owner_of
from hydrobid.cli.render import new_table, result_view
from hydrobid.client import runs
from hydrobid.client.connection import connect
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.states import Actor
from hydrobid.domain.time import utc_text
from hydrobid.local_cloud.state import CloudState
from hydrobid.pipeline import paths

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
    summary = _run(console, state, run_id, client).summary()
    if as_json:
        print_json(summary)
    else:
        out.print(result_view(summary))


def events(
    run: Run, client: Client = None, data_dir: DataDir = DEFAULT, as_json: Json = False
) -> None:
    """Show a run's events, and check that none was lost and none was changed, its time aside.

    Ends with exit code 1 when one was.

    Example: hydrobid events nordic~2026-03-29~r1 --json
    """
    run_id = RunId.parse(run)
    console, state = connect(data_folder(data_dir))
    asked = _run(console, state, run_id, client)
    trail, faults = asked.events(), asked.trail_faults()
    if as_json:
        print_json({"run": run, "events": [e.to_document() for e in trail], "faults": faults})
    else:
        table = new_table("market time", "event", "by", "entity", ">version")
        for event in trail:
            entity = event.entity.removeprefix(f"{paths.entity_of(paths.run(run_id))}:")
            when = utc_text(event.at.replace(microsecond=0))
            cells = (when, event.type, _who(event), entity, str(event.version))
            table.add_row(*map(Text, cells))
        out.print(table)
        if not faults:
            say(f"{len(trail)} events; every chain is whole.", "green")
        for fault in faults:
            err.print(Text(fault, style="bold red"))
    if faults:
        raise typer.Exit(ExitCode.FAILED)


def _run(console: Console, state: CloudState, run: RunId, client: str | None) -> runs.Run:
    owner = owner_of(console, state, run, client)
    return runs.Run(console, owner, console.documents(owner), run)


def _who(event: Event) -> str:
    """Return who an event is of; of the desk's, which person."""
    person = event.data.get("by") if event.actor == Actor.DESK else None
    return event.actor if person is None else f"{event.actor}: {person}"
