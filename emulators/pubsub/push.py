"""Push delivery: each message a POST of Google's envelope, its status the acknowledgement."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any, Final

from emulators.pubsub.backlog import Room
from emulators.pubsub.delivery import Delivery
from emulators.pubsub.errors import Refusal
from emulators.pubsub.http_post import post
from emulators.pubsub.subscription import Subscription
from emulators.tokens import TokenMint

# https://cloud.google.com/pubsub/docs/push#receive_push
ACKNOWLEDGING: Final = frozenset({102, 200, 201, 202, 204})
MAX_IN_FLIGHT: Final = 100


class Pusher:
    """The consumer of a push subscription: up to 100 requests at once, one per ordering key."""

    def __init__(
        self, subscription: Subscription, mint: TokenMint, requests: set[asyncio.Task[None]]
    ) -> None:
        """Serve `subscription`; `requests` is where those in flight are kept for the server."""
        target = subscription.settings.push
        if target is None:
            raise ValueError(f"{subscription.name} has no push endpoint")
        self._subscription = subscription
        self._target = target
        self._mint = mint
        self._in_flight = 0
        self._requests = requests

    @property
    def lease_seconds(self) -> float:
        return self._subscription.settings.ack_deadline

    def room(self) -> Room:
        return Room(MAX_IN_FLIGHT - self._in_flight, 1 << 62, run=1)

    def deliver(self, deliveries: list[Delivery]) -> None:
        self._in_flight += len(deliveries)
        for delivery in deliveries:
            task = asyncio.create_task(self._push(delivery))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    def released(self, _delivery: Delivery) -> None:
        self._in_flight -= 1

    def closed(self, _refusal: Refusal) -> None:
        """Requests in flight end as they will; their answers still count."""

    async def _push(self, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(self.lease_seconds):
                status = await post(
                    self._target.endpoint, await self._headers(), self._body(delivery)
                )
        except (OSError, ValueError):
            status = None
        if status in ACKNOWLEDGING:
            self._subscription.acknowledge([delivery.ack_id])
        else:
            self._subscription.modify_deadline([delivery.ack_id], 0)

    async def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "CloudPubSub-Google",
            "From": "noreply@google.com",
        }
        if self._target.token_email:
            token = await self._mint.token(self._target.token_email, self._target.token_audience)
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _body(self, delivery: Delivery) -> bytes:
        subscription = self._subscription
        envelope: dict[str, Any] = {
            "message": envelope_message(delivery.entry.message.body),
            "subscription": subscription.name,
        }
        if subscription.settings.dead_letter is not None:
            envelope["deliveryAttempt"] = delivery.attempt
        return json.dumps(envelope).encode()


def envelope_message(body: Any) -> dict[str, Any]:
    """Return the envelope's `message`, ids and times under both of Google's spellings."""
    published = body.publish_time.ToJsonString()
    message = {
        "data": base64.b64encode(body.data).decode(),
        "attributes": dict(body.attributes),
        "messageId": body.message_id,
        "message_id": body.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if body.ordering_key:
        message["orderingKey"] = body.ordering_key
    return message
