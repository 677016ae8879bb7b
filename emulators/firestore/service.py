"""google.firestore.v1.Firestore: each request checked, read or committed, and answered.

Implemented are the document, query, aggregation, partition, transaction and Listen methods. Write
and ExecutePipeline answer UNIMPLEMENTED, as does ListDocuments in another order than by name;
`request_options` are accepted and ignored. Where Google's emulator and production differ, the
lock-based transactions are the emulator's; the wording of failed preconditions, cursors over implied
orders, descending name order, partitions and query explain are production's.
"""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import AsyncIterator
from typing import TypeAlias

from emulators.firestore.aggregations import aggregate, aggregated_paths, plan_aggregations
from emulators.firestore.commits import Committer
from emulators.firestore.errors import (
    InvalidArgumentError,
    NotFoundError,
    ServiceError,
    UnimplementedError,
)
from emulators.firestore.explaining import Explanation
from emulators.firestore.fields import FieldPath, parse_path, project
from emulators.firestore.listening import Listener
from emulators.firestore.listing import list_collection_ids, list_documents
from emulators.firestore.messages import (
    BatchGetDocumentsResponse,
    BatchWriteResponse,
    BeginTransactionResponse,
    CommitResponse,
    Document,
    Empty,
    ListCollectionIdsResponse,
    ListDocumentsResponse,
    Message,
    PartitionQueryResponse,
    RunAggregationQueryResponse,
    RunQueryResponse,
    Status,
    Write,
    WriteResult,
    write_timestamp,
)
from emulators.firestore.names import (
    decode,
    document_at,
    document_in,
    parse_database,
    parse_document,
    parse_parent,
)
from emulators.firestore.partitions import (
    check_numbers,
    check_partitionable,
    page_of_points,
    partition_points,
)
from emulators.firestore.queries import Counted, Query, evaluate, plan_query, scan, select
from emulators.firestore.reading import WHOLE_DATABASE, Reading, collection_lock, query_locks
from emulators.firestore.storage import Change, Store
from emulators.firestore.timeline import Timeline
from emulators.firestore.transactions import TransactionTable
from emulators.firestore.writes import plan_write

_ID_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 20

# What a Listen stream waits for: requests, the changes of commits, or its end.
_Inbox: TypeAlias = "asyncio.Queue[Message | tuple[Change, ...] | ServiceError | None]"


class FirestoreService:
    """The methods of the service by their own names; each takes and returns raw messages."""

    def __init__(
        self,
        store: Store,
        timeline: Timeline,
        transactions: TransactionTable,
        reading: Reading,
        committer: Committer,
    ) -> None:
        self._store = store
        self._timeline = timeline
        self._transactions = transactions
        self._reading = reading
        self._committer = committer

    async def GetDocument(self, request: Message) -> Message:
        path = parse_document(request.name)
        mask = _mask_paths(request)
        view = await self._reading.open_view(request, path.database, (path.name,))
        stored = self._store.get(path, view.at)
        if stored is None:
            raise NotFoundError(f"Document ({path.name}) not found.")
        return _masked(Document.FromString(stored.data), mask)

    async def BatchGetDocuments(self, request: Message) -> AsyncIterator[Message]:
        database = parse_database(request.database)
        paths = [parse_document(name) for name in dict.fromkeys(request.documents)]
        for path in paths:
            if path.database != database:
                raise InvalidArgumentError(
                    f'Document "{path.name}" is not in database "{database}".'
                )
        mask = _mask_paths(request)
        view = await self._reading.open_view(request, database, (path.name for path in paths))
        found = [(path, self._store.get(path, view.at)) for path in paths]
        if view.begun:
            yield BatchGetDocumentsResponse(transaction=view.begun)
        for path, stored in found:
            response = BatchGetDocumentsResponse(read_time=view.read_time)
            if stored is None:
                response.missing = path.name
            elif mask is None:
                response.found.MergeFromString(stored.data)
            else:
                response.found.CopyFrom(project(Document.FromString(stored.data), mask))
            yield response

    async def ListDocuments(self, request: Message) -> Message:
        parent = parse_parent(request.parent)
        if request.order_by not in {"", "__name__", "__name__ asc"}:
            raise UnimplementedError("This emulator lists documents in the order of __name__ only.")
        mask = _mask_paths(request)
        lock = collection_lock(parent.database, request.collection_id or WHOLE_DATABASE)
        view = await self._reading.open_view(request, parent.database, (lock,))
        page = list_documents(self._store, parent, request, view.at)
        documents = [_masked(document, mask) for document in page.items]
        return ListDocumentsResponse(documents=documents, next_page_token=page.token)

    async def ListCollectionIds(self, request: Message) -> Message:
        parent = parse_parent(request.parent)
        view = await self._reading.open_view(request, parent.database, ())
        page = list_collection_ids(self._store, parent, request, view.at)
        return ListCollectionIdsResponse(collection_ids=page.items, next_page_token=page.token)

    async def CreateDocument(self, request: Message) -> Message:
        parent = parse_parent(request.parent)
        document_id = request.document_id or _random_id()
        path = document_in(parent, request.collection_id, document_id)
        write = Write(update=request.document)
        write.update.name = path.name
        write.current_document.exists = False
        return await self._written(write, path.database, _mask_paths(request))

    async def UpdateDocument(self, request: Message) -> Message:
        path = parse_document(request.document.name)
        write = Write(update=request.document)
        if request.HasField("update_mask"):
            write.update_mask.CopyFrom(request.update_mask)
        if request.HasField("current_document"):
            write.current_document.CopyFrom(request.current_document)
        return await self._written(write, path.database, _mask_paths(request))

    async def _written(
        self, write: Message, database: str, mask: tuple[FieldPath, ...] | None
    ) -> Message:
        planned = plan_write(write, database)
        await self._committer.commit([planned])
        stored = self._store.get(planned.path)
        assert stored is not None  # noqa: S101 - it was written in this turn of the event loop
        return _masked(Document.FromString(stored.data), mask)

    async def DeleteDocument(self, request: Message) -> Message:
        path = parse_document(request.name)
        write = Write(delete=request.name)
        if request.HasField("current_document"):
            write.current_document.CopyFrom(request.current_document)
        await self._committer.commit([plan_write(write, path.database)])
        return Empty()

    async def BeginTransaction(self, request: Message) -> Message:
        database = parse_database(request.database)
        transaction = self._transactions.begin(database, request.options)
        return BeginTransactionResponse(transaction=transaction.id)

    async def Commit(self, request: Message) -> Message:
        database = parse_database(request.database)
        transaction = None
        if request.transaction:
            transaction = self._transactions.use(request.transaction, database)
        writes = [plan_write(write, database) for write in request.writes]
        made = await self._committer.commit(writes, transaction)
        response = CommitResponse(write_results=made.results)
        write_timestamp(response.commit_time, made.instant)
        return response

    async def Rollback(self, request: Message) -> Message:
        self._transactions.rollback(request.transaction, parse_database(request.database))
        return Empty()

    async def BatchWrite(self, request: Message) -> Message:
        database = parse_database(request.database)
        writes = [plan_write(write, database) for write in request.writes]
        if len({write.path.key for write in writes}) < len(writes):
            raise InvalidArgumentError(
                "the same document cannot be written more than once in a single request"
            )
        response = BatchWriteResponse()
        for outcome in await self._committer.apply_each(writes):
            if isinstance(outcome, ServiceError):
                response.write_results.append(WriteResult())
                response.status.append(Status(code=outcome.code.value[0], message=outcome.message))
            else:
                response.write_results.append(outcome)
                response.status.append(Status())
        return response

    async def empty(self, database: str) -> None:
        """Delete every document of a database; the locks of transactions do not keep them."""
        root = parse_parent(f"{database}/documents")
        instant = self._timeline.next_commit()
        standing = list(self._store.descendants(database, root.key))
        self._store.commit(
            [
                Change(document_at(database, decode(stored.key)), instant, stored, None)
                for stored in standing
            ]
        )

    async def RunQuery(self, request: Message) -> AsyncIterator[Message]:
        query = plan_query(parse_parent(request.parent), request.structured_query)
        database = query.parent.database
        explanation = _explanation(query, request)
        view = await self._reading.open_view(request, database, query_locks(query))
        candidates = Counted(scan(self._store, query, view.at))
        runs = explanation is None or explanation.runs
        found = list(evaluate(query, candidates)) if runs else []
        if view.begun:
            yield RunQueryResponse(transaction=view.begun)
        last = RunQueryResponse(done=runs)
        if explanation is not None:
            last.explain_metrics.CopyFrom(explanation.metrics(candidates.seen, len(found)))
        for number, document in enumerate(found, start=1):
            response = last if number == len(found) else RunQueryResponse()
            response.read_time.CopyFrom(view.read_time)
            response.document.CopyFrom(select(query, document))
            yield response
        if not found:
            if runs:
                last.read_time.CopyFrom(view.read_time)
            yield last

    async def RunAggregationQuery(self, request: Message) -> AsyncIterator[Message]:
        asked = request.structured_aggregation_query
        aggregations = plan_aggregations(asked.aggregations)
        query = plan_query(
            parse_parent(request.parent),
            asked.structured_query,
            required=aggregated_paths(aggregations),
        )
        explanation = _explanation(query, request)
        view = await self._reading.open_view(request, query.parent.database, query_locks(query))
        candidates = Counted(scan(self._store, query, view.at))
        response = RunAggregationQueryResponse(transaction=view.begun, read_time=view.read_time)
        if explanation is None or explanation.runs:
            response.result.CopyFrom(aggregate(aggregations, evaluate(query, candidates)))
        if explanation is not None:
            response.explain_metrics.CopyFrom(explanation.metrics(candidates.seen, returned=1))
        yield response

    async def PartitionQuery(self, request: Message) -> Message:
        check_numbers(request)
        check_partitionable(request.structured_query)
        query = plan_query(parse_parent(request.parent), request.structured_query)
        view = await self._reading.open_view(request, query.parent.database, ())
        names = [document.name for document in evaluate(query, scan(self._store, query, view.at))]
        points = list(partition_points(names, request.partition_count))
        page = page_of_points(points, request)
        return PartitionQueryResponse(partitions=page.items, next_page_token=page.token)

    async def Listen(self, requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
        listener = Listener(self._store, self._timeline)
        inbox: _Inbox = asyncio.Queue()
        forwarding = asyncio.create_task(_forward(requests, inbox))
        try:
            with self._store.watched_by(inbox.put_nowait):
                while (item := await inbox.get()) is not None:
                    if isinstance(item, ServiceError):
                        raise item
                    is_commit = isinstance(item, tuple)
                    answer = listener.on_changes if is_commit else listener.on_request
                    for response in answer(item):
                        yield response
        finally:
            forwarding.cancel()


async def _forward(requests: AsyncIterator[Message], inbox: _Inbox) -> None:
    """Put a stream's requests into the inbox, then why there are no more; None if it has ended."""
    try:
        async for request in requests:
            inbox.put_nowait(request)
    except ServiceError as error:
        inbox.put_nowait(error)
    else:
        inbox.put_nowait(None)


def _explanation(query: Query, request: Message) -> Explanation | None:
    if not request.HasField("explain_options"):
        return None
    return Explanation(query, request.explain_options)


def _mask_paths(request: Message) -> tuple[FieldPath, ...] | None:
    """Return the fields that a request wants back, None for all."""
    if not request.HasField("mask"):
        return None
    return tuple(parse_path(text) for text in request.mask.field_paths)


def _masked(document: Message, mask: tuple[FieldPath, ...] | None) -> Message:
    return document if mask is None else project(document, mask)


def _random_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
