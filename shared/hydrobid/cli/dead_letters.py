"""`dead-letters`: messages that nobody could handle, and their second chance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import new_table
from hydrobid.client.connection import cloud_settings, connect
from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.time import utc_text

if TYPE_CHECKING:
    from hydrobid.bootstrap.dead_letters import DeadLetter, DeadLetters

NONE_SEEN = (
    "No dead letters that can be seen now. Those that somebody looks at, or looked at within the last two "
    "minutes and was cut off, are not shown."
)

dead_letters_app = typer.Typer(invoke_without_command=True)

Client = Annotated[
    str | None,
    typer.Option(help="Whose; every client's if not given.", show_default=False),
]


@dead_letters_app.callback()
def show_dead_letters(
    context: typer.Context,
    client: Client = None,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """List the messages that were given up after their last attempt, or deliver them again.

    Listing takes nothing away.

    Example: hydrobid dead-letters --client sintef-example
    """
    if context.invoked_subcommand is not None:
        return
    found = [
        _described(owner, letter)
        for owner, queue in _queues(client, data_dir)
        for letter in queue.listed()
    ]
    if as_json:
        print_json({"dead_letters": found})
    elif found:
        _print(found)
    else:
        say(NONE_SEEN)


@dead_letters_app.command("replay")
def replay_dead_letters(
    id_: Annotated[
        str | None, typer.Option("--id", help="The one to deliver again.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Deliver all of them again.")] = False,
    client: Client = None,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Publish dead letters to the topics that they came from, and take them out.

    Receivers bear a message that comes twice. One that fails again comes back as a new dead letter.

    Example: hydrobid dead-letters replay --client sintef-example --all
    """
    if (id_ is None) is not every:
        raise InvalidInput.of("command line", "--id, --all", id_, "one of the two")
    queues = _queues(client, data_dir)
    replayed = [
        _described(owner, letter)
        for owner, letter in (_replay_all(queues) if id_ is None else _replay_one(queues, id_))
    ]
    if as_json:
        print_json({"replayed": replayed})
        return
    if replayed:
        _print(replayed)
    say(f"{len(replayed)} delivered again.")


def _queues(client: str | None, data_dir: DataDir) -> Iterator[tuple[ClientId, DeadLetters]]:
    """Yield the dead letters of each client asked for, open while they are looked at."""
    # Google's clients take a second to import: only a command that needs them waits for it.
    from hydrobid.bootstrap.dead_letters import dead_letters_of  # noqa: PLC0415 - see above

    folder = data_folder(data_dir)
    _, state = connect(folder)
    for owner in clients_asked(state, client):
        with dead_letters_of(cloud_settings(folder, state), owner) as queue:
            yield owner, queue


def _replay_all(
    queues: Iterator[tuple[ClientId, DeadLetters]],
) -> Iterator[tuple[ClientId, DeadLetter]]:
    for owner, queue in queues:
        for letter in queue.replay():
            yield owner, letter


def _replay_one(
    queues: Iterator[tuple[ClientId, DeadLetters]], letter_id: str
) -> Iterator[tuple[ClientId, DeadLetter]]:
    asked = []
    for owner, queue in queues:
        asked.append(owner)
        try:
            (letter,) = queue.replay([letter_id])
        except NotFound:
            continue
        yield owner, letter
        return
    raise NotFound(f"no dead letter {letter_id} of {', '.join(asked)}", id=letter_id, clients=asked)


def _described(owner: ClientId, letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON-ready data; its message parsed where it is JSON."""
    text = letter.data.decode("utf-8", errors="backslashreplace")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = text
    return {
        "id": letter.id,
        "client": owner,
        "topic": None if letter.topic is None else letter.topic.rpartition("/")[2],
        "subscription": letter.subscription.rpartition("/")[2],
        "attempts": letter.attempts,
        "published": None if letter.published is None else _seconds(letter.published),
        "died": _seconds(letter.died),
        "attributes": dict(letter.attributes),
        "message": message,
    }


def _seconds(instant: datetime) -> str:
    return utc_text(instant.replace(microsecond=0))


def _print(letters: list[dict[str, Any]]) -> None:
    table = new_table("id", "topic", ">attempts", "published", "died", "message")
    for letter in letters:
        message = letter["message"]
        shown = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        origin = letter["topic"] or f"unknown, given up by {letter['subscription']}"
        cells = (letter["id"], origin, letter["attempts"], letter["published"], letter["died"])
        table.add_row(*(Text("-" if cell is None else str(cell)) for cell in cells), Text(shown))
    out.print(table)
