"""A local cloud of real processes, driven through the installed command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

HYDROBID = Path(sys.executable).with_name("hydrobid")
EXAMPLES = Path(__file__).parents[1] / "shared" / "clients"
COMMAND_SECONDS = 180
OWN_VARIABLES = ("HYDROBID_", "FIRESTORE_EMULATOR", "PUBSUB_EMULATOR", "OTEL_")


class Command(subprocess.Popen[str]):
    """A command that has been started; as a context it has ended, one way or the other, at the end."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.kill()
        super().__exit__(kind, raised, where)


@dataclass(frozen=True)
class LocalCloud:
    """A data folder and the clients in it. environment: what its commands are told besides."""

    data_dir: Path
    clients_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str | Path) -> Command:
        """Start a command."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(OWN_VARIABLES)}
        environment |= {
            "HYDROBID_DATA_DIR": str(self.data_dir),
            "HYDROBID_CLIENTS_DIR": str(self.clients_dir),
            # A clock that is moved over months would fire them in between.
            "HYDROBID_SCHEDULE": "0",
            **self.environment,
        }
        return Command(
            [HYDROBID, *map(str, arguments)],
            env=environment,
            cwd=self.data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str | Path, exit_code: int | None = 0) -> str:
        """Run a command, check its exit code unless it is None, return all that it printed."""
        return "".join(self._run(arguments, exit_code))

    def json(self, *arguments: str | Path, exit_code: int = 0) -> Any:
        """Run a command with --json and return the one document on its standard output."""
        return json.loads(self._run((*arguments, "--json"), exit_code)[0])

    def _run(self, arguments: tuple[str | Path, ...], exit_code: int | None) -> tuple[str, str]:
        with self.start(*arguments) as process:
            printed, errors = process.communicate(timeout=COMMAND_SECONDS)
        assert exit_code in (None, process.returncode), f"{arguments}\n{printed}\n{errors}"
        return printed, errors

    def processes(self, exit_code: int = 0) -> dict[str, dict[str, Any]]:
        """Return what `status` says of each process."""
        listed = self.json("status", exit_code=exit_code)["processes"]
        return {process["name"]: process for process in listed}
