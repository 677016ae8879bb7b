"""The emulators as a process for a measurement: durable in a folder, or in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

MODES = ("durable", "memory")


@contextmanager
def emulators(mode: str, *services: str) -> Iterator[dict[str, str]]:
    """Run services inside the block; gives HOST:PORT by name, as `workflows-rest`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "emulators", "--only", *services]
        command += ["--data-dir", folder] if mode == "durable" else []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield json.loads(process.stdout.readline())
            finally:
                process.terminate()
                process.wait(30)
