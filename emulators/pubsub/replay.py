"""The Subscriber service's calls for replay: snapshots and seek."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from emulators.pubsub import protos, wire
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import failed_precondition, invalid
from emulators.pubsub.paging import page


class Replay:
    """Snapshots and seek over a broker; a change is answered once it is durable."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handlers(self) -> dict[str, Any]:
        """Return the gRPC handlers by method name."""
        requests = {
            self.CreateSnapshot: protos.CreateSnapshotRequest,
            self.GetSnapshot: protos.GetSnapshotRequest,
            self.UpdateSnapshot: protos.UpdateSnapshotRequest,
            self.ListSnapshots: protos.ListSnapshotsRequest,
            self.DeleteSnapshot: protos.DeleteSnapshotRequest,
            self.Seek: protos.SeekRequest,
        }
        return {call.__name__: wire.unary(request, call) for call, request in requests.items()}

    async def CreateSnapshot(self, request: Any, _context: Any) -> Any:
        snapshot = self._broker.create_snapshot(request)
        await self._broker.durable()
        return snapshot

    async def GetSnapshot(self, request: Any, _context: Any) -> Any:
        return self._broker.snapshots.get(request.snapshot).resource

    async def UpdateSnapshot(self, request: Any, _context: Any) -> Any:
        snapshot = self._broker.snapshots.update(request.snapshot, request.update_mask)
        await self._broker.durable()
        return snapshot

    async def ListSnapshots(self, request: Any, _context: Any) -> Any:
        snapshots = self._broker.snapshots.of_project(request.project)
        chunk, token = page(snapshots, request, attrgetter("name"))
        return protos.ListSnapshotsResponse(snapshots=chunk, next_page_token=token)

    async def DeleteSnapshot(self, request: Any, _context: Any) -> Any:
        self._broker.delete_snapshot(request.snapshot)
        await self._broker.durable()
        return protos.Empty()

    async def Seek(self, request: Any, _context: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        target = request.WhichOneof("target")
        if target is None:
            raise invalid("A seek needs a time or a snapshot.")
        if target == "time":
            start = _instant(request.time)
            subscription.seek(lambda message: _instant(message.body.publish_time) >= start)
        else:
            snapshot = self._broker.snapshots.get(request.snapshot)
            if snapshot.resource.topic != subscription.resource.topic:
                raise failed_precondition(
                    f"The snapshot is of topic {snapshot.resource.topic}, the subscription of "
                    f"{subscription.resource.topic}."
                )
            subscription.seek(snapshot.owes)
        await self._broker.durable()
        return protos.SeekResponse()


def _instant(time: Any) -> tuple[int, int]:
    """Return what orders timestamps, those outside protobuf's years included."""
    return time.seconds, time.nanos
