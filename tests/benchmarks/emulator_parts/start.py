"""How long the whole local cloud takes until it says that it is ready, beside two clients' import."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

STARTS = 5
CLIENTS = "import google.cloud.firestore, google.cloud.pubsub_v1"


def figures() -> dict[str, Any]:
    """Return seconds until ready, and of the import, turn by turn; medians of five."""
    ready, imported = [], []
    for _ in range(STARTS):
        ready.append(_until_ready())
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", CLIENTS], check=True)
        imported.append(time.perf_counter() - began)
    return {
        "ready_seconds": round(statistics.median(ready), 3),
        "clients_import_seconds": round(statistics.median(imported), 3),
        "ratio": round(statistics.median(ready) / statistics.median(imported), 2),
    }


def _until_ready() -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "emulators", "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            seconds = time.perf_counter() - began
            process.terminate()
    return seconds
