"""Injected faults of Pub/Sub: what rules tell calls apart by, and what befalls publishing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc

from emulators.faults.effects import ConnectionBroken, InjectedError, carried_out
from emulators.faults.rules import Call, Fault
from emulators.pubsub.errors import Refusal, unavailable


def publishing(request: Any) -> Call:
    """Return what rules see of a PublishRequest."""
    return {"publish": _name(request.topic), "body": _bodies(request.messages)}


def delivering(subscription: str, body: Any) -> Call:
    """Return what rules see of a PubsubMessage that goes out."""
    return {"delivery": _name(subscription), "body": _bodies([body])}


async def published(fault: Fault, action: Callable[[], Awaitable[Any]]) -> Any:
    """Return what the action gives, as far as the fault lets it; else refuse as the client sees it."""
    try:
        return await carried_out(fault, action)
    except ConnectionBroken:
        raise unavailable("Socket closed") from None
    except InjectedError as error:
        raise Refusal(getattr(grpc.StatusCode, str(error.status)), error.message) from None


def _name(resource: str) -> tuple[str, str]:
    """Return the two ways in which a rule may name a resource."""
    return resource, resource.rpartition("/")[2]


def _bodies(messages: Iterable[Any]) -> list[Any]:
    """Return the JSON documents among the messages' data."""
    bodies = []
    for message in messages:
        with contextlib.suppress(ValueError):
            bodies.append(json.loads(message.data))
    return bodies
