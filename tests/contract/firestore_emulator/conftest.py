"""The emulator in this process, and for each test a database that no other uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count

import pytest
from google.cloud import firestore

from emulators.clock import MarketClock
from emulators.firestore.server import serve
from emulators.process import Options

NUMBERS = count()


@pytest.fixture(scope="module")
def server():
    handle = serve(Options(0, None, MarketClock(None)))
    yield handle
    handle.stop()


@pytest.fixture(scope="module")
def open_client(server) -> Iterator[Callable[[], firestore.Client]]:
    """What opens a client of a database of its own."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as clients:
        patch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{server.port}")

        def opened() -> firestore.Client:
            client = firestore.Client(project="p", database=f"database-{next(NUMBERS)}")
            return clients.enter_context(closing(client))

        yield opened


@pytest.fixture
def client(open_client) -> firestore.Client:
    return open_client()
