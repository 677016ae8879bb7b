"""`hydrobid run` as somebody types it: killed with others, and typed again where one attends to it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from local_cloud import LocalCloud

ENDED_AS_IT_SHOULD = (0, 4)
"""0: all submitted. 4: the run came to its end, which others judge."""

TIMES_TYPED = 4


class Command:
    """The command of one client. exits: the exit codes of the times that have ended."""

    def __init__(
        self, cloud: LocalCloud, client: str, day: str, say: Callable[[str], None]
    ) -> None:
        self.exits: list[int] = []
        self._cloud, self._client, self._day = cloud, client, day
        self._say = say
        self._process = self._type()
        self._typed = 1

    def kill(self) -> int:
        """Kill the command where it still runs and return its pid."""
        self._process.kill()
        return self._process.pid

    def is_over(self, *, attended: bool) -> bool:
        """Whether the command has ended; one that failed is typed again where it is attended to."""
        if self._process.poll() is None:
            return False
        if len(self.exits) < self._typed:
            printed, errors = self._process.communicate()
            self.exits.append(self._process.returncode)
            said = (errors or printed).strip() if self.exits[-1] else ""
            self._say(f"run {self._client} ended with {self.exits[-1]} {said[-500:]}")
        wanted = attended and self.exits[-1] not in ENDED_AS_IT_SHOULD
        if wanted and self._typed < TIMES_TYPED:
            self._say(f"run {self._client} is typed again")
            self._process = self._type()
            self._typed += 1
            return False
        return True

    def _type(self) -> subprocess.Popen[str]:
        return self._cloud.start("run", self._client, "--date", self._day, "--json")
