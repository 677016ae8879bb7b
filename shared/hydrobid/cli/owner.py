"""Whose run is meant: several clients may have one of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId, RunId
from hydrobid.local_cloud.state import CloudState
from hydrobid.pipeline import paths

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console


def clients_asked(
    state: CloudState, client: str | None, field: str = "--client"
) -> tuple[ClientId, ...]:
    """Return the one client that `--client` names, every one where it names none.

    field: where else it was given. Raises:
        InvalidInput: the local cloud has no such client.
    """
    if client is None:
        return state.clients
    if client not in state.clients:
        known = ", ".join(state.clients)
        raise InvalidInput.of("command line", field, client, f"one of {known}")
    return (ClientId(client),)


def owner_of(console: Console, state: CloudState, run: RunId, client: str | None) -> ClientId:
    """Return the one client that has the run.

    Raises:
        NotFound: nobody has it. InvalidInput: no such client, or several have it.
    """
    asked = clients_asked(state, client)
    owners = [c for c in asked if console.documents(c).get(paths.run(run)) is not None]
    if not owners:
        raise NotFound(f"no run {run} of {', '.join(asked)}", run=str(run), clients=list(asked))
    if len(owners) > 1:
        expected = f"one of {', '.join(owners)}: each of them has a run {run}"
        raise InvalidInput.of("command line", "--client", client, expected)
    return owners[0]
