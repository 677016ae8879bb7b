"""What every act of the bid desk on the command line has in common: its options, and who acts."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from hydrobid.cli.options import data_folder
from hydrobid.cli.owner import clients_asked
from hydrobid.client.connection import connect
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.holds import WORDS_RULE, Act, Words
from hydrobid.domain.identifiers import ClientId
from hydrobid.pipeline.ports import Clock, Documents, Messages

Client = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]
Day = Annotated[
    str | None,
    typer.Option(
        "--date",
        help="Delivery day; the next one whose gate is open if not given.",
        show_default=False,
    ),
]
Area = Annotated[
    str | None,
    typer.Option("--area", help="Price area; all of the day if not given.", show_default=False),
]
Bid = Annotated[
    str, typer.Argument(metavar="BID", help="The bid's digest, or its first digits: see pending.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for everybody who will ask.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        envvar="HYDROBID_BY",
        help="Who does it; the name of this machine's user if not given.",
        show_default=False,
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the exchange shows it.")
]
WAIT = 30.0


@dataclass(frozen=True)
class Desk:
    """What an act needs, for one client."""

    client: ClientId
    documents: Documents
    clock: Clock
    messages: Messages
    act: Act

    @classmethod
    def of(cls, data_dir: Path, client: str, by: str | None, reason: str) -> Desk:
        """Return the desk of a client in the local cloud of a data folder.

        Raises:
            InvalidInput: the local cloud has no such client, or an option is empty or too long.
            LocalCloudDown: it is not up.
        """
        act = _act(by or getpass.getuser(), reason)
        console, state = connect(data_folder(data_dir))
        (owner,) = clients_asked(state, client, "CLIENT")
        return cls(owner, console.documents(owner), console.clock, console.messages(owner), act)


def _act(by: str, reason: str) -> Act:
    for option, value in (("--by", by), ("--reason", reason)):
        try:
            TypeAdapter(Words).validate_python(value)
        except ValidationError:
            raise InvalidInput.of("command line", option, value, WORDS_RULE) from None
    return Act(by=by, reason=reason)
