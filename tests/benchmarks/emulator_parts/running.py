"""The emulators as a process for a measurement."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def emulators(folder: Path | None, *services: str) -> Iterator[dict[str, str]]:
    """Run services inside the block; gives HOST:PORT by name, as `workflows-rest`."""
    command = [sys.executable, "-m", "emulators", "--only", *services]
    command += [] if folder is None else ["--data-dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)
