"""Injected faults of RPCs: what rules can tell them apart by, and how clients see them.

A broken connection is UNAVAILABLE, which is what a gRPC client makes of one. Listen is left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import grpc

from emulators.faults.effects import ConnectionBroken, InjectedError, carried_out
from emulators.faults.rules import Call, Fault
from emulators.faults.switch import Faults
from emulators.firestore.messages import Message, RollbackRequest
from emulators.firestore.service import FirestoreService

_DATABASE_PARTS: Final = 4  # projects/P/databases/D
_ROOT_PARTS: Final = 5  # projects/P/databases/D/documents
_ENDS_TRANSACTION: Final = "ABORTED"


class InjectedStatus(Exception):
    """What the client of a struck RPC gets."""

    def __init__(self, code: Any, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Injection:
    """Puts the faults of a switch between the server and the methods of the service."""

    def __init__(self, faults: Faults, service: FirestoreService) -> None:
        self._faults = faults
        self._service = service

    def unary(
        self, rpc: str, method: Callable[[Message], Awaitable[Message]]
    ) -> Callable[[Message], Awaitable[Message]]:
        """Return the method with its faults."""

        async def call(request: Message) -> Message:
            fault = self._faults.strike(lambda: _described(rpc, request))
            if fault is None:
                return await method(request)
            return await self._under(fault, request, lambda: method(request))

        return call

    def streaming(
        self, rpc: str, method: Callable[[Message], AsyncIterator[Message]]
    ) -> Callable[[Message], AsyncIterator[Message]]:
        """Return the method with its faults; the stream of a struck call is answered at its end."""

        async def call(request: Message) -> AsyncIterator[Message]:
            fault = self._faults.strike(lambda: _described(rpc, request))
            if fault is None:
                async for response in method(request):
                    yield response
                return

            async def collected() -> list[Message]:
                return [response async for response in method(request)]

            for response in await self._under(fault, request, collected):
                yield response

        return call

    async def _under(
        self, fault: Fault, request: Message, action: Callable[[], Awaitable[Any]]
    ) -> Any:
        try:
            return await carried_out(fault, action)
        except ConnectionBroken:
            raise InjectedStatus(grpc.StatusCode.UNAVAILABLE, "Socket closed") from None
        except InjectedError as error:
            if error.status == _ENDS_TRANSACTION:
                await self._end_transaction(request)
            code = getattr(grpc.StatusCode, str(error.status))
            raise InjectedStatus(code, error.message) from None

    async def _end_transaction(self, request: Message) -> None:
        """End the request's transaction, as the service does with one that it aborts.

        Otherwise its locks would stand in the way of the client's next attempt.
        """
        if identity := getattr(request, "transaction", b""):
            database = "/".join(next(_names(request), "").split("/")[:_DATABASE_PARTS])
            await self._service.Rollback(RollbackRequest(database=database, transaction=identity))


def _described(rpc: str, request: Message) -> Call:
    names = [name.split("/") for name in _names(request)]
    return {
        "rpc": (rpc,),
        "database": {parts[3] for parts in names if len(parts) >= _DATABASE_PARTS},
        "path": ["/".join(parts[_ROOT_PARTS:]) for parts in names if len(parts) > _ROOT_PARTS],
    }


def _names(request: Message) -> Iterator[str]:
    """Yield the database and the full names of all that a request is about.

    A collection's name ends with a slash, so that a prefix fits it as it fits its documents.
    """
    match request.DESCRIPTOR.name:
        case "GetDocumentRequest" | "DeleteDocumentRequest":
            yield request.name
        case "UpdateDocumentRequest":
            yield request.document.name
        case "CreateDocumentRequest":
            yield f"{request.parent}/{request.collection_id}/{request.document_id}"
        case "ListDocumentsRequest":
            yield f"{request.parent}/{request.collection_id}/"
        case "ListCollectionIdsRequest":
            yield request.parent
        case "RunQueryRequest":
            yield from _queried(request.parent, request.structured_query)
        case "RunAggregationQueryRequest":
            asked = request.structured_aggregation_query
            yield from _queried(request.parent, asked.structured_query)
        case _:
            yield request.database
            yield from getattr(request, "documents", ())
            for write in getattr(request, "writes", ()):
                yield write.update.name or write.delete or write.transform.document


def _queried(parent: str, query: Message) -> Iterator[str]:
    for source in query.from_:
        yield f"{parent}/{source.collection_id}/"
