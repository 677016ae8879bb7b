"""The Subscriber service: subscriptions, pulling and the end of leases."""

from __future__ import annotations

import asyncio
from operator import attrgetter
from typing import Any, Final

from emulators.pubsub import protos, wire
from emulators.pubsub.backlog import Room
from emulators.pubsub.broker import Broker
from emulators.pubsub.delivery import Delivery
from emulators.pubsub.errors import Refusal, invalid, lost_leases, too_small
from emulators.pubsub.paging import page
from emulators.pubsub.resources import check_ack_deadline
from emulators.pubsub.streaming import StreamingPull, received
from emulators.pubsub.subscription import Subscription

SERVICE: Final = "google.pubsub.v1.Subscriber"

_MAX_PULL: Final = 1_000
_MAX_PULL_BYTES: Final = 10_000_000
_PULL_SECONDS: Final = 90.0
# What is left of a caller's deadline for the empty answer to reach it.
_ANSWER_SECONDS: Final = 0.3


class Subscriber:
    """google.pubsub.v1.Subscriber over a broker; a change is answered once it is durable."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handlers(self) -> dict[str, Any]:
        """Return the gRPC handlers by method name."""
        requests = {
            self.CreateSubscription: protos.Subscription,
            self.GetSubscription: protos.GetSubscriptionRequest,
            self.UpdateSubscription: protos.UpdateSubscriptionRequest,
            self.ListSubscriptions: protos.ListSubscriptionsRequest,
            self.DeleteSubscription: protos.DeleteSubscriptionRequest,
            self.ModifyPushConfig: protos.ModifyPushConfigRequest,
            self.ModifyAckDeadline: protos.ModifyAckDeadlineRequest,
            self.Acknowledge: protos.AcknowledgeRequest,
            self.Pull: protos.PullRequest,
        }
        handlers = {call.__name__: wire.unary(request, call) for call, request in requests.items()}
        stream = StreamingPull(self._broker)
        handlers["StreamingPull"] = wire.streaming(protos.StreamingPullRequest, stream.responses)
        return handlers

    async def CreateSubscription(self, request: Any, _context: Any) -> Any:
        subscription = self._broker.create_subscription(request)
        await self._broker.durable()
        return subscription

    async def GetSubscription(self, request: Any, _context: Any) -> Any:
        return self._broker.subscription(request.subscription).resource

    async def UpdateSubscription(self, request: Any, _context: Any) -> Any:
        subscription = self._broker.update_subscription(request.subscription, request.update_mask)
        await self._broker.durable()
        return subscription

    async def ListSubscriptions(self, request: Any, _context: Any) -> Any:
        subscriptions = self._broker.subscriptions(request.project)
        chunk, token = page(subscriptions, request, attrgetter("name"))
        return protos.ListSubscriptionsResponse(subscriptions=chunk, next_page_token=token)

    async def DeleteSubscription(self, request: Any, _context: Any) -> Any:
        self._broker.delete_subscription(request.subscription)
        await self._broker.durable()
        return protos.Empty()

    async def ModifyPushConfig(self, request: Any, _context: Any) -> Any:
        patch = protos.Subscription(name=request.subscription, push_config=request.push_config)
        self._broker.update_subscription(patch, protos.FieldMask(paths=["push_config"]))
        await self._broker.durable()
        return protos.Empty()

    async def ModifyAckDeadline(self, request: Any, _context: Any) -> Any:
        check_ack_deadline(request.ack_deadline_seconds)
        subscription = self._leasing(request)
        stale = subscription.modify_deadline(request.ack_ids, request.ack_deadline_seconds)
        await self._confirm(subscription, stale)
        return protos.Empty()

    async def Acknowledge(self, request: Any, _context: Any) -> Any:
        subscription = self._leasing(request)
        stale = subscription.acknowledge(request.ack_ids)
        await self._confirm(subscription, stale)
        return protos.Empty()

    async def Pull(self, request: Any, context: Any) -> Any:
        if request.max_messages < 1:
            raise too_small("max_messages", request.max_messages, 1)
        subscription = self._broker.subscription(request.subscription)
        subscription.check_pullable()
        puller = _Puller(subscription, min(request.max_messages, _MAX_PULL))
        subscription.join(puller)
        try:
            # The tick that ends this wait has delivered what was there.
            await self._broker.durable()
            if not request.return_immediately:
                await puller.wait(context.time_remaining())
        finally:
            subscription.leave(puller)
        messages = [received(delivery, subscription) for delivery in puller.deliveries()]
        return protos.PullResponse(received_messages=messages)

    def _leasing(self, request: Any) -> Subscription:
        subscription = self._broker.subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified.")
        return subscription

    async def _confirm(self, subscription: Subscription, stale: list[str]) -> None:
        await self._broker.durable()
        if stale and subscription.settings.exactly_once:
            raise lost_leases(stale)


class _Puller:
    """A pull that waits for the first messages."""

    def __init__(self, subscription: Subscription, limit: int) -> None:
        self._limit = limit
        self._taken: asyncio.Future[list[Delivery]] = asyncio.get_running_loop().create_future()
        self.lease_seconds = subscription.settings.ack_deadline

    async def wait(self, remaining: float | None) -> None:
        """Wait for messages until shortly before the caller gives up."""
        seconds = _PULL_SECONDS
        if remaining is not None:
            seconds = max(0.0, min(seconds, remaining - _ANSWER_SECONDS))
        await asyncio.wait({self._taken}, timeout=seconds)

    def deliveries(self) -> list[Delivery]:
        """Return what came; raises the subscription's refusal when it was closed meanwhile."""
        return self._taken.result() if self._taken.done() else []

    def room(self) -> Room:
        return Room(0 if self._taken.done() else self._limit, _MAX_PULL_BYTES)

    def deliver(self, deliveries: list[Delivery]) -> None:
        self._taken.set_result(deliveries)

    def released(self, _delivery: Delivery) -> None:
        """A pull has no flow to control."""

    def closed(self, refusal: Refusal) -> None:
        if not self._taken.done():
            self._taken.set_exception(refusal)
