"""Injected faults of HTTP requests: ASGI middleware, and a server that can break a connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from emulators.exchange.problems import MEDIA_TYPE, problem_body
from emulators.faults.effects import ConnectionBroken, InjectedError, carried_out
from emulators.faults.rules import Call, Kind
from emulators.faults.switch import Faults

_BREAK: Final = "exchange.break_connection"
_NEXT: Final = "V2"
_PASSING: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_RETRY_AFTER: Final = "1"
_ANSWERLESS: Final = (Kind.ACCEPT_THEN_BREAK, Kind.CRASH_AFTER)


class BreakableConnection(H11Protocol):
    """uvicorn's connection, which lets the application break it instead of answering."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrows it so
        """Give the application an extension that ends the connection at once."""
        super().connection_made(transport)
        app = self.app

        async def breakable(scope: Scope, receive: Receive, send: Send) -> None:
            extensions = {**scope.get("extensions", {}), _BREAK: transport.abort}
            await app({**scope, "extensions": extensions}, receive, send)

        self.app = breakable


class InjectFaults:
    """ASGI middleware that puts the faults of a switch before the application."""

    def __init__(self, app: ASGIApp, faults: Faults, expire_tokens: Callable[[], None]) -> None:
        self._app = app
        self._faults = faults
        self._expire_tokens = expire_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, as far as a fault lets it."""
        fault = self._faults.strike(lambda: _described(scope))
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.kind is Kind.HANG:
            await _disconnected(receive)
            return
        if fault.kind is Kind.EXPIRE:
            self._expire_tokens()
        answer = _unsent if fault.kind in _ANSWERLESS else send
        if fault.kind is Kind.DRIFT and fault.field is not None:
            answer = _Drifting(send, fault.field)
        try:
            await carried_out(fault, lambda: self._app(scope, receive, answer))
        except ConnectionBroken:
            scope["extensions"][_BREAK]()
            await _disconnected(receive)
        except InjectedError as error:
            await _refusal(error)(scope, receive, send)


class _Drifting:
    """Sends an answer in which a field has another name, as after a change of the API."""

    def __init__(self, send: Send, field: str) -> None:
        self._send, self._field = send, field
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Hold the answer back until all of it is there."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        try:
            body = json.dumps(_renamed(json.loads(self._body), self._field)).encode()
        except ValueError:
            body = self._body
        headers = [(name, v) for name, v in self._start["headers"] if name != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**self._start, "headers": [*headers, length]})
        await self._send({**message, "body": body})


def _renamed(content: Any, field: str) -> Any:
    if isinstance(content, dict):
        return {
            f"{name}{_NEXT}" if name == field else name: _renamed(value, field)
            for name, value in content.items()
        }
    return [_renamed(value, field) for value in content] if isinstance(content, list) else content


async def _disconnected(receive: Receive) -> None:
    """Return when the client is gone; whoever returns unanswered before has failed to the server."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unsent(_: Message) -> None:
    """Take a part of an answer that nobody gets."""


def _refusal(error: InjectedError) -> JSONResponse:
    status = int(error.status or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {"Retry-After": _RETRY_AFTER} if status in _PASSING else None
    return JSONResponse(
        problem_body("injected-fault", status, error.message),
        status,
        headers,
        media_type=MEDIA_TYPE,
    )


def _described(scope: Scope) -> Call:
    return {"method": (scope["method"],), "path": (scope["path"],)}
