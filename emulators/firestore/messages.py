"""The protobuf classes of google.firestore.v1 and the few conversions that they need.

The classes are the raw ones beneath google-cloud-firestore's proto-plus wrappers: they parse and
serialise in C. They are made at run time and carry no types, hence `Message` in signatures; the
parameter's name tells which message it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from google.cloud.firestore_v1.types import (
    aggregation_result,
    common,
    document,
    firestore,
    query,
    query_profile,
)
from google.cloud.firestore_v1.types import write as write_types
from google.protobuf import empty_pb2, timestamp_pb2
from google.rpc import status_pb2

Message: TypeAlias = Any

Timestamp = timestamp_pb2.Timestamp
Empty = empty_pb2.Empty
Status = status_pb2.Status

Document = document.Document.pb()
Value = document.Value.pb()
ArrayValue = document.ArrayValue.pb()
MapValue = document.MapValue.pb()
DocumentMask = common.DocumentMask.pb()
TransactionOptions = common.TransactionOptions.pb()
Write = write_types.Write.pb()
WriteResult = write_types.WriteResult.pb()
StructuredQuery = query.StructuredQuery.pb()
Cursor = query.Cursor.pb()
FieldFilter = query.StructuredQuery.FieldFilter.pb()
UnaryFilter = query.StructuredQuery.UnaryFilter.pb()
CompositeFilter = query.StructuredQuery.CompositeFilter.pb()
DocumentChange = write_types.DocumentChange.pb()
DocumentDelete = write_types.DocumentDelete.pb()
DocumentRemove = write_types.DocumentRemove.pb()
TargetChange = firestore.TargetChange.pb()
AggregationResult = aggregation_result.AggregationResult.pb()

ExplainMetrics = query_profile.ExplainMetrics.pb()

GetDocumentRequest = firestore.GetDocumentRequest.pb()
ListDocumentsRequest = firestore.ListDocumentsRequest.pb()
ListDocumentsResponse = firestore.ListDocumentsResponse.pb()
CreateDocumentRequest = firestore.CreateDocumentRequest.pb()
UpdateDocumentRequest = firestore.UpdateDocumentRequest.pb()
DeleteDocumentRequest = firestore.DeleteDocumentRequest.pb()
BatchGetDocumentsRequest = firestore.BatchGetDocumentsRequest.pb()
BatchGetDocumentsResponse = firestore.BatchGetDocumentsResponse.pb()
BeginTransactionRequest = firestore.BeginTransactionRequest.pb()
BeginTransactionResponse = firestore.BeginTransactionResponse.pb()
CommitRequest = firestore.CommitRequest.pb()
CommitResponse = firestore.CommitResponse.pb()
RollbackRequest = firestore.RollbackRequest.pb()
RunQueryRequest = firestore.RunQueryRequest.pb()
RunQueryResponse = firestore.RunQueryResponse.pb()
RunAggregationQueryRequest = firestore.RunAggregationQueryRequest.pb()
RunAggregationQueryResponse = firestore.RunAggregationQueryResponse.pb()
ListCollectionIdsRequest = firestore.ListCollectionIdsRequest.pb()
ListCollectionIdsResponse = firestore.ListCollectionIdsResponse.pb()
PartitionQueryRequest = firestore.PartitionQueryRequest.pb()
PartitionQueryResponse = firestore.PartitionQueryResponse.pb()
ListenRequest = firestore.ListenRequest.pb()
ListenResponse = firestore.ListenResponse.pb()
BatchWriteRequest = firestore.BatchWriteRequest.pb()
BatchWriteResponse = firestore.BatchWriteResponse.pb()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Return the whole microseconds from 1970 to an aware `instant`."""
    return (instant - _EPOCH) // _MICROSECOND


def timestamp_microseconds(timestamp: Message) -> int:
    """Return a Timestamp as microseconds since 1970; finer digits are cut off, as the store does."""
    return int(timestamp.seconds) * 1_000_000 + int(timestamp.nanos) // 1_000


def write_timestamp(timestamp: Message, instant: int) -> None:
    """Set a Timestamp, in place, to `instant` in microseconds since 1970."""
    timestamp.seconds, remainder = divmod(instant, 1_000_000)
    timestamp.nanos = remainder * 1_000
