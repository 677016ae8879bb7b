"""The text of a gRPC status, which travels in the trailers: clients drop what is over 8 KiB."""

from __future__ import annotations

_LONGEST = 600  # characters: each takes up to 12 bytes in the percent-encoding of trailers


def status_text(message: str) -> str:
    """Return a message as a client can receive it, cut where it is too long."""
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
