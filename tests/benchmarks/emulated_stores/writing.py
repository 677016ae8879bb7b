"""Document writes through Google's client: one after the other, from threads, in batches."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from google.cloud import firestore

from emulated_stores import servers

ROUNDS, SEQUENTIAL, THREADED, BATCHED, BATCH = 5, 400, 1_600, 5_000, 500
THREADS = 8
DOCUMENT = {"asset": "upper", "state": "SOLVED", "objective": 1234.5, "volumes": [1.0, 2.0, 3.0]}

Run = Callable[[firestore.Client, Iterator[int]], float]


def measured(folder: Path | None) -> dict[str, Any]:
    """Return writes a second of emulator and yardstick and their ratios, medians over rounds.

    The rounds alternate between the two, so that what else the machine does meets both.
    """
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(_client(stack.enter_context(server)))
            for name, server in {
                "emulator": servers.emulator("firestore", folder),
                "bare": servers.bare(folder),
            }.items()
        }
        return {run.__name__: _compared(run, clients) for run in (sequential, threaded, batched)}


def _compared(run: Run, clients: dict[str, firestore.Client]) -> dict[str, float]:
    numbers = count()
    for client in clients.values():
        run(client, numbers)
    rounds = [
        {name: run(client, numbers) for name, client in clients.items()} for _ in range(ROUNDS)
    ]
    medians = {name: statistics.median(one[name] for one in rounds) for name in clients}
    ratio = statistics.median(one["emulator"] / one["bare"] for one in rounds)
    return {f"{name}_per_s": round(value) for name, value in medians.items()} | {
        "ratio": round(ratio, 2)
    }


def sequential(client: firestore.Client, numbers: Iterator[int]) -> float:
    """Return writes a second, each sent when the one before is answered."""
    began = time.perf_counter()
    for _ in range(SEQUENTIAL):
        client.document(f"runs/{next(numbers)}").set(DOCUMENT)
    return SEQUENTIAL / (time.perf_counter() - began)


def threaded(client: firestore.Client, numbers: Iterator[int]) -> float:
    """Return writes a second of eight threads, each to documents of its own."""
    documents = [client.document(f"runs/{next(numbers)}") for _ in range(THREADED)]
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda document: document.set(DOCUMENT), documents))
    return THREADED / (time.perf_counter() - began)


def batched(client: firestore.Client, numbers: Iterator[int]) -> float:
    """Return writes a second in batches of 500, from building the batch to its answer."""
    began = time.perf_counter()
    for _ in range(BATCHED // BATCH):
        batch = client.batch()
        for _ in range(BATCH):
            batch.set(client.document(f"runs/{next(numbers)}"), DOCUMENT)
        batch.commit()
    return BATCHED / (time.perf_counter() - began)


@contextmanager
def _client(port: int) -> Iterator[firestore.Client]:
    os.environ["FIRESTORE_EMULATOR_HOST"] = f"127.0.0.1:{port}"
    with closing(firestore.Client(project="p")) as client:
        yield client
