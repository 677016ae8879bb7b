"""StreamingPull: messages as they come, acknowledgements on the way back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from emulators.pubsub.backlog import Room
from emulators.pubsub.broker import Broker
from emulators.pubsub.delivery import Delivery
from emulators.pubsub.errors import Refusal, invalid
from emulators.pubsub.protos import ReceivedMessage, StreamingPullResponse
from emulators.pubsub.resources import DEFAULT_ACK_DEADLINE, MAX_ACK_DEADLINE, check_ack_deadline
from emulators.pubsub.subscription import Subscription

_UNLIMITED: Final = 1 << 62
# A stream takes no more before the client has read this much of what was taken.
_MAX_UNSENT: Final = 1_000
_RESPONSE_BYTES: Final = 4_000_000


def received(delivery: Delivery, subscription: Subscription) -> Any:
    """Return the ReceivedMessage of a delivery; attempts are told where dead letters are."""
    counted = subscription.settings.dead_letter is not None
    return ReceivedMessage(
        ack_id=delivery.ack_id,
        message=delivery.entry.message.body,
        delivery_attempt=delivery.attempt if counted else 0,
    )


class StreamingPull:
    """The StreamingPull method over a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def responses(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        """Yield the responses of one stream until the client half-closes or is refused."""
        first = await anext(requests, None)
        if first is None or not first.subscription:
            raise invalid("The first message of the stream must set the subscription.")
        subscription = self._broker.subscription(first.subscription)
        subscription.check_pullable()
        stream = _Stream(self._broker, subscription, first)
        reader = asyncio.create_task(stream.read(first, requests))

        def end(_context: Any) -> None:
            # However the call ends: leases go on, the stream gets nothing more.
            subscription.leave(stream)
            reader.cancel()

        context.add_done_callback(end)
        subscription.join(stream)
        async for response in stream.responses():
            yield response
        end(context)


class _Stream:
    """One open stream: what is to be sent, and how much the client has outstanding."""

    def __init__(self, broker: Broker, subscription: Subscription, first: Any) -> None:
        self._broker = broker
        self._subscription = subscription
        self._max_messages = _limit(first.max_outstanding_messages)
        self._max_bytes = _limit(first.max_outstanding_bytes)
        self._outstanding_messages = 0
        self._outstanding_bytes = 0
        self._unsent: deque[Delivery] = deque()
        self._confirmations: deque[Any] = deque()
        self._refusal: Refusal | None = None
        self._finished = False
        self._news = asyncio.Event()
        self.lease_seconds = 0.0
        self._set_deadline(first.stream_ack_deadline_seconds)

    def room(self) -> Room:
        room = Room(
            self._max_messages - self._outstanding_messages,
            self._max_bytes - self._outstanding_bytes,
        )
        if len(self._unsent) >= _MAX_UNSENT or room.size <= 0:
            room.messages = 0
        room.messages = min(room.messages, _MAX_UNSENT)
        return room

    def deliver(self, deliveries: list[Delivery]) -> None:
        self._unsent.extend(deliveries)
        self._outstanding_messages += len(deliveries)
        self._outstanding_bytes += sum(one.entry.message.size for one in deliveries)
        self._news.set()

    def released(self, delivery: Delivery) -> None:
        self._outstanding_messages -= 1
        self._outstanding_bytes -= delivery.entry.message.size

    def closed(self, refusal: Refusal) -> None:
        self._refusal = refusal
        self._news.set()

    async def read(self, first: Any, requests: AsyncIterator[Any]) -> None:
        """Do what the client's requests ask until it half-closes or sends what is refused."""
        try:
            await self._obey(first)
            async for request in requests:
                if request.subscription:
                    raise invalid("Only the first message of the stream may set the subscription.")
                if request.stream_ack_deadline_seconds:
                    self._set_deadline(request.stream_ack_deadline_seconds)
                await self._obey(request)
        except Refusal as refusal:
            self._refusal = refusal
        self._finished = True
        self._news.set()

    async def responses(self) -> AsyncIterator[Any]:
        """Yield what is to be sent; raises the refusal that ends the stream."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._confirmations:
                yield self._confirmations.popleft()
            while self._unsent:
                yield self._next_response()
                self._broker.touch(self._subscription)
            if self._refusal is not None:
                raise self._refusal
            if self._finished:
                return

    def _next_response(self) -> Any:
        response = self._response()
        size = 0
        while self._unsent and (
            not size or size + self._unsent[0].entry.message.size <= _RESPONSE_BYTES
        ):
            delivery = self._unsent.popleft()
            size += delivery.entry.message.size
            response.received_messages.append(received(delivery, self._subscription))
        return response

    def _response(self) -> Any:
        response = StreamingPullResponse()
        settings = self._subscription.settings
        response.subscription_properties.exactly_once_delivery_enabled = settings.exactly_once
        response.subscription_properties.message_ordering_enabled = settings.ordered
        return response

    async def _obey(self, request: Any) -> None:
        """Acknowledge and change deadlines; with exactly-once delivery, confirm it."""
        if len(request.modify_deadline_seconds) != len(request.modify_deadline_ack_ids):
            raise invalid(
                "modify_deadline_seconds and modify_deadline_ack_ids differ in length: "
                f"{len(request.modify_deadline_seconds)} and "
                f"{len(request.modify_deadline_ack_ids)}."
            )
        lost = set(self._subscription.acknowledge(request.ack_ids))
        unchanged: set[str] = set()
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            check_ack_deadline(seconds)
            unchanged.update(self._subscription.modify_deadline([ack_id], seconds))
        if not self._subscription.settings.exactly_once:
            return
        await self._broker.durable()
        response = self._response()
        _confirm(response.acknowledge_confirmation, request.ack_ids, lost)
        _confirm(
            response.modify_ack_deadline_confirmation, request.modify_deadline_ack_ids, unchanged
        )
        self._confirmations.append(response)
        self._news.set()

    def _set_deadline(self, seconds: int) -> None:
        if not DEFAULT_ACK_DEADLINE <= seconds <= MAX_ACK_DEADLINE:
            raise invalid(
                f"stream_ack_deadline_seconds must be between {DEFAULT_ACK_DEADLINE} and "
                f"{MAX_ACK_DEADLINE} seconds, not {seconds}."
            )
        self.lease_seconds = float(seconds)


def _limit(value: int) -> int:
    return value if value > 0 else _UNLIMITED


def _confirm(confirmation: Any, ack_ids: Any, failed: set[str]) -> None:
    confirmation.ack_ids.extend(one for one in ack_ids if one not in failed)
    confirmation.invalid_ack_ids.extend(one for one in ack_ids if one in failed)
