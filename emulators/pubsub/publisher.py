"""The Publisher service: topics and publishing."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from emulators.faults.switch import Faults
from emulators.pubsub import protos, wire
from emulators.pubsub.broker import Broker
from emulators.pubsub.injection import published, publishing
from emulators.pubsub.paging import page

SERVICE: Final = "google.pubsub.v1.Publisher"


class Publisher:
    """google.pubsub.v1.Publisher over a broker; a change is answered once it is durable."""

    def __init__(self, broker: Broker, faults: Faults) -> None:
        self._broker = broker
        self._faults = faults

    def handlers(self) -> dict[str, Any]:
        """Return the gRPC handlers by method name."""
        requests = {
            self.CreateTopic: protos.Topic,
            self.GetTopic: protos.GetTopicRequest,
            self.UpdateTopic: protos.UpdateTopicRequest,
            self.DeleteTopic: protos.DeleteTopicRequest,
            self.ListTopics: protos.ListTopicsRequest,
            self.ListTopicSubscriptions: protos.ListTopicSubscriptionsRequest,
            self.ListTopicSnapshots: protos.ListTopicSnapshotsRequest,
            self.DetachSubscription: protos.DetachSubscriptionRequest,
            self.Publish: protos.PublishRequest,
        }
        return {call.__name__: wire.unary(request, call) for call, request in requests.items()}

    async def CreateTopic(self, request: Any, _context: Any) -> Any:
        topic = self._broker.create_topic(request)
        await self._broker.durable()
        return topic

    async def GetTopic(self, request: Any, _context: Any) -> Any:
        return self._broker.topic(request.topic).resource

    async def UpdateTopic(self, request: Any, _context: Any) -> Any:
        topic = self._broker.update_topic(request.topic, request.update_mask)
        await self._broker.durable()
        return topic

    async def DeleteTopic(self, request: Any, _context: Any) -> Any:
        self._broker.delete_topic(request.topic)
        await self._broker.durable()
        return protos.Empty()

    async def ListTopics(self, request: Any, _context: Any) -> Any:
        topics = self._broker.topics(request.project)
        chunk, token = page(topics, request, attrgetter("name"))
        return protos.ListTopicsResponse(topics=chunk, next_page_token=token)

    async def ListTopicSubscriptions(self, request: Any, _context: Any) -> Any:
        subscriptions = sorted(self._broker.topic(request.topic).subscriptions)
        chunk, token = page(subscriptions, request, str)
        return protos.ListTopicSubscriptionsResponse(subscriptions=chunk, next_page_token=token)

    async def ListTopicSnapshots(self, request: Any, _context: Any) -> Any:
        topic = self._broker.topic(request.topic).resource.name
        chunk, token = page(self._broker.snapshots.of_topic(topic), request, str)
        return protos.ListTopicSnapshotsResponse(snapshots=chunk, next_page_token=token)

    async def DetachSubscription(self, request: Any, _context: Any) -> Any:
        self._broker.detach_subscription(request.subscription)
        await self._broker.durable()
        return protos.DetachSubscriptionResponse()

    async def Publish(self, request: Any, _context: Any) -> Any:
        fault = self._faults.strike(lambda: publishing(request))
        if fault is None:
            return await self._publish(request)
        # A message that is published gets its id where it is: the same request twice needs two.
        content = request.SerializeToString()
        return await published(
            fault, lambda: self._publish(protos.PublishRequest.FromString(content))
        )

    async def _publish(self, request: Any) -> Any:
        ids = self._broker.publish(request.topic, request.messages, request.ByteSize())
        await self._broker.durable()
        return protos.PublishResponse(message_ids=ids)
