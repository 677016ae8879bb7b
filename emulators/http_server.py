"""An application served over HTTP: on the event loop at hand, or in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from emulators.process import LOOPBACK

START_LIMIT_SECONDS = 10.0
STOP_LIMIT_SECONDS = 5.0
_SETTINGS: dict[str, Any] = {
    "loop": "asyncio",
    "http": "h11",
    "ws": "none",
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": 1,
}


class _Server(uvicorn.Server):
    """A server that tells when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class HttpServer:
    """A running service; `port` is where it takes requests."""

    def __init__(
        self,
        service: str,
        app: ASGIApp,
        listener: socket.socket,
        close: Callable[[], None],
        config: dict[str, Any],
    ) -> None:
        self._service = service
        self._server = _Server(uvicorn.Config(app, **_SETTINGS | config))
        self._close = close
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name=service, daemon=True
        )
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        """Take requests from here on; raises TimeoutError when the server does not come up."""
        self._thread.start()
        if not self._server.ready.wait(START_LIMIT_SECONDS):
            raise TimeoutError(f"the {self._service} was not ready within {START_LIMIT_SECONDS} s")

    def stop(self) -> None:
        """Finish the requests at hand, give those in flight a second, and close the state."""
        self._server.should_exit = True
        self._thread.join(STOP_LIMIT_SECONDS)
        self._close()


class LoopServer:
    """A server on the event loop that starts it; `port` is where it takes requests."""

    def __init__(self, app: ASGIApp, listener: socket.socket, **config: Any) -> None:
        configuration = uvicorn.Config(app, **_SETTINGS | config)
        configuration.load()
        self._server = uvicorn.Server(configuration)
        self._server.lifespan = configuration.lifespan_class(configuration)
        self._sockets = [listener]
        self._loop: asyncio.Task[None] | None = None
        self.port: int = listener.getsockname()[1]

    async def start(self) -> None:
        """Take requests from here on; raises RuntimeError when the application does not come up."""
        # Not Server.serve, which would take over the process's signals.
        await self._server.startup(sockets=self._sockets)
        if self._server.should_exit:
            raise RuntimeError("the application did not start; its log says why")
        self._loop = asyncio.create_task(self._server.main_loop())

    async def stop(self) -> None:
        """Finish the requests at hand, and give those in flight a second."""
        self._server.should_exit = True
        if self._loop is not None:
            await self._loop
        await self._server.shutdown(sockets=self._sockets)


def listening(port: int, host: str = LOOPBACK) -> socket.socket:
    """Return a socket at a port, a free one for 0; raises OSError when the port is taken."""
    # With the protocol named, asyncio turns Nagle's algorithm off for what it accepts; without it
    # every answer would wait 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def serving(
    service: str,
    app: ASGIApp,
    listener: socket.socket,
    close: Callable[[], None],
    **config: Any,
) -> HttpServer:
    """Return a server that takes requests.

    close: lets go of the state once the last request has ended. config: uvicorn's settings where
    they differ from those of every service.
    """
    server = HttpServer(service, app, listener, close, config)
    server.start()
    return server
