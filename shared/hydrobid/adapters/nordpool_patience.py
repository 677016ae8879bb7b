"""A bound on how long a group of requests may take, below any one request's own timeouts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

PHASES = 4
"""Connecting, writing, reading, and waiting for a connection: each may take its share of what is left."""

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Have the requests that are made in the context end within so many seconds of real time."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def patience_left() -> float:
    """Return the seconds that are left; infinity where nobody has set a bound."""
    ends = _ends.get()
    return float("inf") if ends is None else ends - time.monotonic()


def hurry(request: httpx.Request) -> None:
    """Give a request at most what is left of the patience; raise ConnectTimeout where that is nothing.

    A request hook of httpx, so that a token that is fetched on the way counts as well.
    """
    left = patience_left()
    if left <= 0:
        raise httpx.ConnectTimeout("no time was left to ask", request=request)
    request.extensions["timeout"] = {
        phase: min(seconds, left / PHASES)
        for phase, seconds in request.extensions["timeout"].items()
    }
