"""The control port of an emulated cloud: its health, and forgetting all that it holds."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulators.cloud import Cloud


class Control:
    """`GET /health`, and `POST /reset` for all services or those that `?service=` names."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._one_at_a_time = asyncio.Lock()
        self.application = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/reset", self._reset, methods=["POST"]),
            ]
        )

    async def _health(self, _: Request) -> JSONResponse:
        states = {
            name: "SERVING" if self._cloud.is_serving(name) else "NOT_SERVING"
            for name in self._cloud.services
        }
        healthy = "NOT_SERVING" not in states.values()
        document = {
            "status": "SERVING" if healthy else "NOT_SERVING",
            "services": states,
            "addresses": self._cloud.addresses(),
        }
        return JSONResponse(document, HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _reset(self, request: Request) -> JSONResponse:
        chosen = request.query_params.getlist("service") or self._cloud.services
        unknown = sorted(set(chosen) - set(self._cloud.services))
        if unknown:
            known = ", ".join(self._cloud.services)
            message = f"service {unknown[0]!r} does not run here; there are {known}"
            return JSONResponse({"error": message}, HTTPStatus.BAD_REQUEST)
        async with self._one_at_a_time:
            await self._cloud.reset(chosen)
        return JSONResponse({"reset": chosen})
