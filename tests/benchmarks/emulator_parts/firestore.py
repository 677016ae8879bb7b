"""Firestore: writes through Google's client, one after the other, from threads and in batches.

Emulator and yardstick take turns at every write, batch or short burst of the threads, so that
whatever else the machine does meets both; what is told are medians.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

from google.cloud import firestore

from emulator_parts import bare
from emulator_parts.running import MODES, emulators

TURNS = {"sequential": 1_500, "threaded": 40, "batched": 40}
THREADS, BURST, BATCH = 8, 160, 500
DOCUMENT = {"asset": "upper", "state": "SOLVED", "objective": 1234.5, "volumes": [1.0, 2.0, 3.0]}


def figures() -> dict[str, Any]:
    """Return writes a second of emulator and yardstick, and the first over the second."""
    return {mode: _measured(mode) for mode in MODES}


def _measured(mode: str) -> dict[str, Any]:
    with (
        emulators(mode, "firestore") as addresses,
        bare.running(mode) as address,
        _client(addresses["firestore"]) as emulated,
        _client(address) as yardstick,
        ThreadPoolExecutor(THREADS) as pool,
    ):

        def threaded(client: firestore.Client, numbers: Iterator[int]) -> float:
            documents = [client.document(f"runs/{next(numbers)}") for _ in range(BURST)]
            began = time.perf_counter()
            for _ in pool.map(lambda document: document.set(DOCUMENT), documents):
                pass
            return (time.perf_counter() - began) / BURST

        runs = {"sequential": _single, "threaded": threaded, "batched": _batch}
        clients = {"emulator": emulated, "bare": yardstick}
        return {name: _compared(run, clients, TURNS[name]) for name, run in runs.items()}


def _single(client: firestore.Client, numbers: Iterator[int]) -> float:
    document = client.document(f"runs/{next(numbers)}")
    began = time.perf_counter()
    document.set(DOCUMENT)
    return time.perf_counter() - began


def _batch(client: firestore.Client, numbers: Iterator[int]) -> float:
    """Time the commit: to build the batch takes the client longer than the server to store it."""
    batch = client.batch()
    for _ in range(BATCH):
        batch.set(client.document(f"runs/{next(numbers)}"), DOCUMENT)
    began = time.perf_counter()
    batch.commit()
    return (time.perf_counter() - began) / BATCH


def _compared(
    run: Callable[[firestore.Client, Iterator[int]], float],
    clients: dict[str, firestore.Client],
    turns: int,
) -> dict[str, float]:
    """Compare the seconds that a write takes, as `run` returns them."""
    numbers = count()
    seconds: dict[str, list[float]] = {name: [] for name in clients}
    for turn in range(turns + turns // 10):
        for name, client in clients.items():
            taken = run(client, numbers)
            if turn >= turns // 10:  # what comes first warms up
                seconds[name].append(taken)
    each = {name: statistics.median(times) for name, times in seconds.items()}
    rates = {f"{name}_per_s": float(round(1 / taken)) for name, taken in each.items()}
    return rates | {"ratio": round(each["bare"] / each["emulator"], 2)}


@contextmanager
def _client(address: str) -> Iterator[firestore.Client]:
    os.environ["FIRESTORE_EMULATOR_HOST"] = address
    with closing(firestore.Client(project="p")) as client:
        yield client
