"""Ports on loopback: kept where they were, taken free at random where they were not."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Collection, Mapping

from hydrobid.cli.local_cloud.settings import fixed_port, port_variable
from hydrobid.domain.errors import InvalidInput

LOOPBACK = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections, so that a port that is
# kept over a restart is rarely taken in between.
FIRST, COUNT = 20_000, 12_000
TRIES = 200
LET_GO_SECONDS = 10.0
POLL_SECONDS = 0.03


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _is_let_go(port: int, deadline: float) -> bool:
    """Return whether the port is free, as soon as it is, or at the deadline in monotonic seconds."""
    while not is_free(port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def free_port(taken: Collection[int]) -> int:
    """Return a free port that is not among `taken`; two callers at once rarely get the same."""
    for _ in range(TRIES):
        port = FIRST + secrets.randbelow(COUNT)
        if port not in taken and is_free(port):
            return port
    raise InvalidInput.of("machine", "ports", f"{FIRST}..{FIRST + COUNT - 1}", "a free one")


def choose_ports(
    owners: Mapping[str, str], kept: Mapping[str, int], alive: Collection[str]
) -> dict[str, int]:
    """Return each port by name: the one that is set, else the one it had, else a free one.

    A port that was had is waited for: executions that go on know it, and whoever was killed on it
    may take a moment to let go of it.

    owners: the process behind each port. kept: the ports of the last start. alive: the processes
    that run, each of which holds the ports that it had.

    Raises:
        InvalidInput: a port that is set is taken.
    """
    chosen: dict[str, int] = {}
    deadline = time.monotonic() + LET_GO_SECONDS
    for name, owner in owners.items():
        fixed, had = fixed_port(name), kept.get(name)
        wanted = fixed or had
        if wanted is not None and (
            (owner in alive and wanted == had)
            or _is_let_go(wanted, deadline if wanted == had else 0.0)
        ):
            chosen[name] = wanted
        elif fixed is not None:
            raise InvalidInput.of("environment", port_variable(name), fixed, "a port that is free")
        else:
            chosen[name] = free_port({*kept.values(), *chosen.values()})
    return chosen
