"""Faults files for tests, and services of the local cloud as processes that faults may kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path


def write_faults(path: Path, *rules: dict, seed: int = 1) -> Path:
    """Put a faults file in place as a whole, so that nobody reads half of it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"seed": seed, "rules": rules}))
    draft.replace(path)
    return path


class ServiceProcess:
    """A service on a data folder, started again as often as a test needs it."""

    def __init__(self, service: str, data_dir: Path, faults_file: Path, *arguments: str) -> None:
        self._command = [
            *(sys.executable, "-m", f"emulators.{service}", "--data-dir", str(data_dir)),
            *("--faults-file", str(faults_file), *arguments),
        ]
        self._process: subprocess.Popen[str] | None = None
        self.ready: dict[str, object] = {}

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.ready['port']}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.communicate(timeout=10)[1])
        self.ready = json.loads(line)

    def await_crash(self) -> None:
        """Wait until the process has died as `kill -9` has it die."""
        self._process.communicate(timeout=10)
        assert self._process.returncode == -signal.SIGKILL

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate(timeout=10)
