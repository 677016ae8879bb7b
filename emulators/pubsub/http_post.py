"""A POST of which only the status matters.

A connection of its own for each request and nothing but the standard library: an HTTP client
library would add a third of a second to the start of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Final
from urllib.parse import urlsplit

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: .*)?\r?\n")
_PROCESSING: Final = 102
_DRAIN_SECONDS: Final = 1.0
_DRAIN_BYTES: Final = 1 << 20


async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Return the status of the answer.

    Raises OSError when there is no connection or it breaks, ValueError when the answer is not
    HTTP/1. It waits as long as the server lets it: the caller sets the time limit.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or (443 if secure else 80),
        ssl=_tls() if secure else None,
    )
    try:
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        status = await _final_status(reader)
        await _drain(reader)
        return status
    finally:
        writer.close()


async def _final_status(reader: asyncio.StreamReader) -> int:
    while True:
        line = await reader.readline()
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"no HTTP status line: {line[:80]!r}")
        status = int(match[1])
        if status >= 200 or status == _PROCESSING:
            return status
        while (await reader.readline()).strip():
            pass


async def _drain(reader: asyncio.StreamReader) -> None:
    """Read the rest, so that the server's last write does not fail; what it says is no matter."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            read = 0
            while read < _DRAIN_BYTES and (chunk := await reader.read(1 << 16)):
                read += len(chunk)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
