"""An application served over HTTP on loopback, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from emulators.process import LOOPBACK

START_LIMIT_SECONDS = 10.0
STOP_LIMIT_SECONDS = 5.0


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
        settings: dict[str, Any] = {
            "loop": "asyncio",
            "http": "h11",
            "ws": "none",
            "log_level": "warning",
            "access_log": False,
            "server_header": False,
            "timeout_graceful_shutdown": 1,
            **config,
        }
        self._service = service
        self._server = _Server(uvicorn.Config(app, **settings))
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


def listening(port: int) -> socket.socket:
    """Return a socket on loopback, at a free port for 0; raises OSError when the port is taken."""
    return socket.create_server((LOOPBACK, port))


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
