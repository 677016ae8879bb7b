"""What every service of the local cloud does as a process: it announces itself, and it stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

PROGRAM = """
import asyncio
from emulators.process import run_until_stopped
asyncio.run(run_until_stopped("service", port=4711))
print("closed")
"""


def test_stop__is_graceful_from_the_moment_of_the_ready_line():
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
        )
        ready = json.loads(process.stdout.readline())
        process.send_signal(number)
        rest, _ = process.communicate(timeout=10)
        assert ready == {"ready": "service", "port": 4711}
        assert (process.returncode, rest) == (0, "closed\n")
