"""The emulators as a process for a measurement: durable in a folder, or in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODES = ("durable", "memory")


@contextmanager
def emulators(mode: str, *services: str) -> Iterator[dict[str, str]]:
    """Run services inside the block; gives HOST:PORT by name, as `workflows-rest`, and `pid`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "emulators", "--only", *services]
        command += ["--data-dir", folder] if mode == "durable" else []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield {**json.loads(process.stdout.readline()), "pid": str(process.pid)}
            finally:
                process.terminate()
                process.wait(30)


def processor_seconds(pid: str) -> float:
    """Return the processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
