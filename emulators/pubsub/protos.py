"""The plain protobuf classes of google.pubsub.v1.

The official client ships them inside proto-plus wrappers; a server that handles thousands of
messages a second works on the classes beneath, whose types only protobuf knows: hence `Any`.
"""

from typing import Any

from google.protobuf import duration_pb2, empty_pb2, field_mask_pb2, timestamp_pb2
from google.pubsub_v1.types import pubsub, schema

Empty: Any = empty_pb2.Empty
Duration: Any = duration_pb2.Duration
FieldMask: Any = field_mask_pb2.FieldMask
Timestamp: Any = timestamp_pb2.Timestamp

Topic: Any = pubsub.Topic.meta.pb
Subscription: Any = pubsub.Subscription.meta.pb
PubsubMessage: Any = pubsub.PubsubMessage.meta.pb
Snapshot: Any = pubsub.Snapshot.meta.pb
PushConfig: Any = pubsub.PushConfig.meta.pb

GetTopicRequest: Any = pubsub.GetTopicRequest.meta.pb
UpdateTopicRequest: Any = pubsub.UpdateTopicRequest.meta.pb
DeleteTopicRequest: Any = pubsub.DeleteTopicRequest.meta.pb
ListTopicsRequest: Any = pubsub.ListTopicsRequest.meta.pb
ListTopicsResponse: Any = pubsub.ListTopicsResponse.meta.pb
ListTopicSubscriptionsRequest: Any = pubsub.ListTopicSubscriptionsRequest.meta.pb
ListTopicSubscriptionsResponse: Any = pubsub.ListTopicSubscriptionsResponse.meta.pb
DetachSubscriptionRequest: Any = pubsub.DetachSubscriptionRequest.meta.pb
DetachSubscriptionResponse: Any = pubsub.DetachSubscriptionResponse.meta.pb
ListTopicSnapshotsRequest: Any = pubsub.ListTopicSnapshotsRequest.meta.pb
ListTopicSnapshotsResponse: Any = pubsub.ListTopicSnapshotsResponse.meta.pb
PublishRequest: Any = pubsub.PublishRequest.meta.pb
PublishResponse: Any = pubsub.PublishResponse.meta.pb

GetSubscriptionRequest: Any = pubsub.GetSubscriptionRequest.meta.pb
UpdateSubscriptionRequest: Any = pubsub.UpdateSubscriptionRequest.meta.pb
DeleteSubscriptionRequest: Any = pubsub.DeleteSubscriptionRequest.meta.pb
ListSubscriptionsRequest: Any = pubsub.ListSubscriptionsRequest.meta.pb
ListSubscriptionsResponse: Any = pubsub.ListSubscriptionsResponse.meta.pb
ModifyPushConfigRequest: Any = pubsub.ModifyPushConfigRequest.meta.pb
ModifyAckDeadlineRequest: Any = pubsub.ModifyAckDeadlineRequest.meta.pb
AcknowledgeRequest: Any = pubsub.AcknowledgeRequest.meta.pb
PullRequest: Any = pubsub.PullRequest.meta.pb
PullResponse: Any = pubsub.PullResponse.meta.pb
ReceivedMessage: Any = pubsub.ReceivedMessage.meta.pb
StreamingPullRequest: Any = pubsub.StreamingPullRequest.meta.pb
StreamingPullResponse: Any = pubsub.StreamingPullResponse.meta.pb

CreateSnapshotRequest: Any = pubsub.CreateSnapshotRequest.meta.pb
GetSnapshotRequest: Any = pubsub.GetSnapshotRequest.meta.pb
UpdateSnapshotRequest: Any = pubsub.UpdateSnapshotRequest.meta.pb
ListSnapshotsRequest: Any = pubsub.ListSnapshotsRequest.meta.pb
ListSnapshotsResponse: Any = pubsub.ListSnapshotsResponse.meta.pb
DeleteSnapshotRequest: Any = pubsub.DeleteSnapshotRequest.meta.pb
SeekRequest: Any = pubsub.SeekRequest.meta.pb
SeekResponse: Any = pubsub.SeekResponse.meta.pb

Schema: Any = schema.Schema.meta.pb
CreateSchemaRequest: Any = schema.CreateSchemaRequest.meta.pb
GetSchemaRequest: Any = schema.GetSchemaRequest.meta.pb
ListSchemasRequest: Any = schema.ListSchemasRequest.meta.pb
ListSchemasResponse: Any = schema.ListSchemasResponse.meta.pb
ListSchemaRevisionsRequest: Any = schema.ListSchemaRevisionsRequest.meta.pb
ListSchemaRevisionsResponse: Any = schema.ListSchemaRevisionsResponse.meta.pb
CommitSchemaRequest: Any = schema.CommitSchemaRequest.meta.pb
RollbackSchemaRequest: Any = schema.RollbackSchemaRequest.meta.pb
DeleteSchemaRevisionRequest: Any = schema.DeleteSchemaRevisionRequest.meta.pb
DeleteSchemaRequest: Any = schema.DeleteSchemaRequest.meta.pb
ValidateSchemaRequest: Any = schema.ValidateSchemaRequest.meta.pb
ValidateSchemaResponse: Any = schema.ValidateSchemaResponse.meta.pb
ValidateMessageRequest: Any = schema.ValidateMessageRequest.meta.pb
ValidateMessageResponse: Any = schema.ValidateMessageResponse.meta.pb
