"""`data`: series that arrive between two publications of a client's folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hydrobid.cli.clients import read_bytes
from hydrobid.cli.desk import By
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say, show_error
from hydrobid.cli.render import new_table
from hydrobid.client.platform import Client, connect
from hydrobid.client.watching import Taken
from hydrobid.domain.errors import InvalidInput, RetryableError
from hydrobid.domain.series import SeriesKind
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.pipeline.push_series import Pushed
from hydrobid.pipeline.series_states import SeriesState

data_app = typer.Typer(no_args_is_help=True, help="Series that arrive by themselves.")

LOOK_SECONDS = 1.0
WORDS = {
    "new": "counts from now on",
    "unchanged": "counted already",
    "older": "is kept, and a later published one counts",
}

Owner = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]


@data_app.command()
def push(
    client: Owner,
    kind: Annotated[SeriesKind, typer.Argument(help="What the file is about.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet; scenarios may be JSON as well.")],
    scenario_set: Annotated[
        str | None,
        typer.Option(help="Which scenario set scenarios are for, if there are several."),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(
            help="When whoever issued the file did so, as 2026-03-28T10:30+01:00; now if not given.",
            show_default=False,
        ),
    ] = None,
    by: By = None,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Check a file of series and make it the client's newest.

    New prices, and scenarios of inflow with them, start a run once nothing more has arrived for a while:
    see the client's `inputs`.

    Example: hydrobid data push sintef-example prices prices-of-tomorrow.csv
    """
    content = read_bytes(file)
    done = _client(data_dir, client).push(
        kind,
        content,
        name=file.name,
        scenario_set=scenario_set,
        published=None if published is None else parse_instant(published),
        by=by,
    )
    if as_json:
        print_json(done.to_document())
        return
    _say_pushed(file.name, done)


@data_app.command("list")
def list_series(client: Owner, data_dir: DataDir = DEFAULT, as_json: Json = False) -> None:
    """Show the series that have arrived, and how fresh they are.

    Example: hydrobid data list sintef-example
    """
    states = _client(data_dir, client).series()
    if as_json:
        print_json({"client": client, "series": [state.to_document() for state in states]})
        return
    if not states:
        say(f"Nothing has arrived by itself for {client}: its folder's files count.")
        return
    table = new_table("series", "published", "measured", "file", "by", "version", "")
    for state in states:
        table.add_row(*map(Text, _row(state)))
    out.print(table)


@data_app.command()
def watch(
    client: Owner,
    folder: Annotated[
        Path,
        typer.Argument(
            help="Its files lie in folders that say what they are about: prices/nov.csv."
        ),
    ],
    once: Annotated[bool, typer.Option("--once", help="Take what is there, and end.")] = False,
    data_dir: DataDir = DEFAULT,
) -> None:
    """Take files as they come into a folder, until it is interrupted.

    It does for a folder what a client's bucket does in the cloud. A file that is refused is told here
    and by an alert.

    Example: hydrobid data watch sintef-example inbox --once
    """
    if not folder.is_dir():
        raise InvalidInput.of("command line", "FOLDER", str(folder), "a folder that is there")
    watcher = _client(data_dir, client).watcher(folder)
    say(f"Watching {folder} for {client}.")
    while True:
        try:
            for taken in watcher.look():
                _say_taken(taken)
        except RetryableError as error:
            if once:
                raise
            show_error(error, as_json=False)
        if once:
            return
        time.sleep(LOOK_SECONDS)


def _client(data_dir: Path, name: str) -> Client:
    platform = connect(data_folder(data_dir).root)
    if name not in (platform.clients or ()):
        expected = f"one of {', '.join(platform.clients or ())}"
        raise InvalidInput.of("command line", "CLIENT", name, expected)
    return platform.client(name)


def _say_taken(taken: Taken) -> None:
    if taken.error is not None:
        say(f"{taken.name} is refused.", "bold red")
        show_error(taken.error, as_json=False)
    elif taken.pushed is None:
        say(f"{taken.name} was written again before it was read.")
    else:
        _say_pushed(taken.name, taken.pushed)


def _say_pushed(name: str, done: Pushed) -> None:
    publication = done.publication
    about = f"{publication.kind} of {', '.join(publication.names)}"
    say(f"{name}: {about}, version {publication.content[:12]}, {WORDS[done.outcome]}.")
    for spike in publication.spikes:
        say(f"  sticks out: {spike['field']} is {spike['value']}; {spike['expected']}", "yellow")


def _row(state: SeriesState) -> tuple[str, ...]:
    moments = (
        "-" if at is None else utc_text(at.replace(microsecond=0))
        for at in (state.published, state.measured)
    )
    name = f"{state.kind} {state.name}".strip()
    told = [f"{state.spikes} values stick out"] if state.spikes else []
    told += [f"{state.lacks} ({state.if_stale})"] if state.lacks else []
    version = "-" if state.content is None else state.content[:12]
    return (name, *moments, state.file or "-", state.by or "-", version, "; ".join(told))
