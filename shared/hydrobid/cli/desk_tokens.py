"""`desk-token`: lets a person ask at the desk's API of a local cloud."""

from __future__ import annotations

import json
import secrets
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from hydrobid.bootstrap.topology import resource_id
from hydrobid.cli.desk import Client
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.holds import WORDS_RULE, Words
from hydrobid.local_cloud.files import exclusive, write_atomically
from hydrobid.local_cloud.state import require_state

TOKEN_BYTES = 32


def desk_token(
    client: Client,
    person: Annotated[str, typer.Argument(help="Who it is for: the name in the audit trail.")],
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Make a token for a person at a client's desk; one that they had before is void.

    It is shown once: only its digest is kept. The desk takes it at once.

    Example: hydrobid desk-token sintef-example anna
    """
    # Slow to import: only this command needs it.
    from hydrobid.bootstrap.desk import token_digest  # noqa: PLC0415 - see above

    folder = data_folder(data_dir)
    state = require_state(folder)
    (owner,) = clients_asked(state, client, "CLIENT")
    try:
        name = TypeAdapter(Words).validate_python(person)
    except ValidationError:
        raise InvalidInput.of("command line", "PERSON", person, WORDS_RULE) from None
    token, file = secrets.token_urlsafe(TOKEN_BYTES), folder.desk_tokens(owner)
    with exclusive(folder.lock_file):
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        write_atomically(file, json.dumps({**known, name: token_digest(token)}).encode())
    url = state.url(resource_id(owner, "desk"))
    if as_json:
        print_json({"client": owner, "person": name, "token": token, "url": url})
    else:
        say(token)
        say(f"It is {name}'s at {url}, and is not shown again.", "dim")
