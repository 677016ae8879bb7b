"""hydrobid from Python: start and follow runs, read what they came to, push series.

>>> from hydrobid.client import connect                                       # doctest: +SKIP
>>> run = connect().client("sintef-example").start()                          # doctest: +SKIP
>>> run.wait(), run.frame("curves").head()                                    # doctest: +SKIP

For asyncio there is `aconnect`, with the same names behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydrobid.client.asynchronous import AsyncClient, AsyncPlatform, AsyncRun, aconnect
    from hydrobid.client.platform import Client, Platform, connect, connect_to_google
    from hydrobid.client.runs import Run

__all__ = [
    "AsyncClient",
    "AsyncPlatform",
    "AsyncRun",
    "Client",
    "Platform",
    "Run",
    "aconnect",
    "connect",
    "connect_to_google",
]

_HOMES = {
    "runs": ("Run",),
    "platform": ("Client", "Platform", "connect", "connect_to_google"),
    "asynchronous": ("AsyncClient", "AsyncPlatform", "AsyncRun", "aconnect"),
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: a command that needs one module of these does not wait for all."""
    from importlib import import_module  # noqa: PLC0415 - see above

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__} has no {name}")
