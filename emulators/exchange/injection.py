"""Injected faults of HTTP requests: ASGI middleware, and a server that can break a connection."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from emulators.exchange.problems import MEDIA_TYPE, problem_body
from emulators.faults.effects import ConnectionBroken, InjectedError, carried_out
from emulators.faults.rules import Call, Kind
from emulators.faults.switch import Faults

_BREAK: Final = "exchange.break_connection"
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

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, as far as a fault lets it."""
        fault = self._faults.strike(lambda: _described(scope))
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.kind is Kind.HANG:
            await _disconnected(receive)
            return
        answer = _unsent if fault.kind in _ANSWERLESS else send
        try:
            await carried_out(fault, lambda: self._app(scope, receive, answer))
        except ConnectionBroken:
            scope["extensions"][_BREAK]()
            await _disconnected(receive)
        except InjectedError as error:
            await _refusal(error)(scope, receive, send)


async def _disconnected(receive: Receive) -> None:
    """Return when the client is gone; whoever returns unanswered before has failed to the server."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unsent(_: Message) -> None:
    """Take a part of an answer that nobody gets."""


def _refusal(error: InjectedError) -> JSONResponse:
    status = int(error.status or HTTPStatus.INTERNAL_SERVER_ERROR)
    return JSONResponse(
        problem_body("injected-fault", status, error.message), status, media_type=MEDIA_TYPE
    )


def _described(scope: Scope) -> Call:
    return {"method": (scope["method"],), "path": (scope["path"],)}
