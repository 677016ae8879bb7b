"""From a local cloud that is up to the clients that speak with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hydrobid.bootstrap.settings import CloudSettings, ExchangeSettings
from hydrobid.domain.identifiers import ClientId
from hydrobid.local_cloud.errors import LocalCloudDown
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.lifecycle import look
from hydrobid.local_cloud.services import (
    EXCHANGE,
    FIRESTORE,
    PUBSUB,
    SCHEDULER,
    WORKFLOWS,
)
from hydrobid.local_cloud.settings import EMULATOR_HOSTS
from hydrobid.local_cloud.state import CloudState, require_state

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console


def connect(folder: DataFolder) -> tuple[Console, CloudState]:
    """Return a console of the local cloud in a data folder.

    Raises:
        LocalCloudDown: it was never started, or a process of it is dead.
    """
    # Google's clients take a second to import: only commands that need them wait for it.
    from hydrobid.bootstrap.console import Console  # noqa: PLC0415 - see above

    state = require_state(folder)
    dead = [process.name for process in look(folder, state) if not process.alive]
    if dead or not state.processes:
        raise LocalCloudDown(
            f"the local cloud in {folder.root} is not up"
            f"{': ' + ', '.join(dead) + ' dead' if dead else ''}; start it: hydrobid up",
            dead=dead,
        )
    speak_to(state)
    return Console(cloud_settings(folder, state)), state


def cloud_settings(folder: DataFolder, state: CloudState) -> CloudSettings:
    """Return where the local cloud is."""
    return CloudSettings(
        project=state.project,
        location=state.location,
        workflows_host=state.host(WORKFLOWS),
        scheduler_host=state.host(SCHEDULER),
        clock_file=folder.clock_file,
    )


def exchange_settings(folder: DataFolder, state: CloudState, client: ClientId) -> ExchangeSettings:
    """Return where the local exchange is, and a client's account at it."""
    url = state.url(EXCHANGE)
    return ExchangeSettings(
        **cloud_settings(folder, state).model_dump(),
        exchange_url=url,
        exchange_token_url=f"{url}/connect/token",
        exchange_credentials=f"file:{folder.exchange_account(client)}",
    )


def speak_to(state: CloudState) -> None:
    """Point Google's clients at the local cloud: they know no other way than the environment."""
    for service in (FIRESTORE, PUBSUB):
        os.environ[EMULATOR_HOSTS[service]] = state.host(service)
    for name in ("NO_PROXY", "no_proxy"):
        others = os.environ.get(name)
        os.environ[name] = f"127.0.0.1,localhost{',' + others if others else ''}"
