"""A limit on what one request may send, counted as it arrives."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A full order, 100 contracts of 200 points, is well under one megabyte.
LARGEST_BODY_BYTES = 4 * 1024 * 1024


class BodyLimit:
    """ASGI middleware that stops reading a body beyond the limit; the answer is 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; whoever reads too much of its body meets an HTTPException."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BODY_BYTES:
                detail = f"The body is larger than {LARGEST_BODY_BYTES} bytes"
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return message

        await self._app(scope, counted, send)
