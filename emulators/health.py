"""The standard health service, `grpc.health.v1.Health`, for a server that is healthy while it runs."""

from __future__ import annotations

from typing import Any

from grpc_health.v1.health import aio
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server


def add_health(server: Any) -> None:
    """Answer SERVING for a gRPC server of asyncio as a whole, as long as it takes requests."""
    add_HealthServicer_to_server(aio.HealthServicer(), server)
