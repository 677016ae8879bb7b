"""The servers of a measurement, each a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BARE = Path(__file__).with_name("bare.py")


@contextmanager
def bare(folder: Path | None) -> Iterator[int]:
    """Yield the port of the yardstick, its file in a folder or everything in memory."""
    file = [] if folder is None else [str(folder / "bare.sqlite3")]
    with _process([str(_BARE), *file]) as ready:
        yield int(ready)


@contextmanager
def emulator(service: str, folder: Path | None) -> Iterator[int]:
    """Yield the port of an emulator."""
    state = [] if folder is None else ["--data-dir", str(folder / service)]
    with _process(["-m", f"emulators.{service}", *state]) as ready:
        yield int(json.loads(ready)["port"])


@contextmanager
def _process(arguments: list[str]) -> Iterator[str]:
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
