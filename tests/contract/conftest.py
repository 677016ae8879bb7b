"""The backends of the contract suite: memory, the embedded emulators, and Google's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from official_emulators import NotAvailable, Official, official

from emulators.cloud import CloudOptions
from emulators.in_process import InProcess, running

# Google's emulators take seconds and much memory to start: one worker runs all that need them.
OFFICIAL = pytest.param("official", marks=pytest.mark.xdist_group("official-emulators"))
BACKENDS = ("memory", "embedded", OFFICIAL)


@pytest.fixture(scope="session")
def embedded() -> Iterator[InProcess]:
    """The embedded Firestore and Pub/Sub, in this process."""
    with running(CloudOptions(services=("firestore", "pubsub"))) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def official_firestore() -> Iterator[Official]:
    """Google's own Firestore emulator; a test that needs one skips where there is none."""
    yield from _official("firestore")


@pytest.fixture(scope="session")
def official_pubsub() -> Iterator[Official]:
    """Google's own Pub/Sub emulator; a test that needs one skips where there is none."""
    yield from _official("pubsub")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, record_property) -> str:
    """The name of the backend that the test runs over; the run's summary tells which ran."""
    record_property("backend", request.param)
    return request.param


@pytest.fixture
def host_of(request: pytest.FixtureRequest, backend: str, record_property):
    """Return what gives HOST:PORT of a service of the test's backend, which is not memory."""

    def host(service: str) -> str:
        if backend == "embedded":
            return request.getfixturevalue("embedded").address(service)
        found: Official = request.getfixturevalue(f"official_{service}")
        record_property("backend_source", f"{service} from {found.source}")
        return found.host

    return host


def _official(service: str) -> Iterator[Official]:
    try:
        with official(service) as found:
            yield found
    except NotAvailable as absent:
        pytest.skip(f"Google's own {service} emulator did not run: {absent}")
