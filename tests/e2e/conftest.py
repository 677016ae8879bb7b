"""Local clouds for the end-to-end tests, all of them down when these end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from local_cloud import EXAMPLES, LocalCloud
from traces import Collector, collector


@pytest.fixture(scope="session")
def new_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalCloud]]:
    """Make local clouds of the named example clients; they are down when the tests end."""
    made: list[LocalCloud] = []

    def make(*clients: str, **environment: str) -> LocalCloud:
        folder = tmp_path_factory.mktemp("cloud")
        for client in clients:
            shutil.copytree(EXAMPLES / client, folder / "clients" / client)
        made.append(LocalCloud(folder / "data", folder / "clients", environment))
        return made[-1]

    yield make
    for cloud in made:
        cloud("down")


@pytest.fixture(scope="session")
def collected() -> Iterator[Collector]:
    """The collector to which the functions of `cloud` export their spans."""
    with collector() as running:
        yield running


@pytest.fixture(scope="session")
def cloud(new_cloud: Callable[..., LocalCloud], collected: Collector) -> LocalCloud:
    """The cloud of both example clients, up since 10:30 on 28 March 2026 of its own time.

    Its clock only moves forward, so a test bids a delivery day that no other one bids.
    """
    made = new_cloud(
        "sintef-example",
        "cascade-example",
        OTEL_EXPORTER_OTLP_ENDPOINT=collected.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
    )
    # A run after an arrival waits for a second of quiet, and not for the minute that is usual.
    with (made.clients_dir / "sintef-example" / "client.yaml").open("a") as file:
        file.write("\ninputs: {debounce: 1}\n")
    made("up", "--now", "2026-03-28T10:30+01:00")
    return made
