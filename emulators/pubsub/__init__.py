"""Pub/Sub of the local cloud: google.pubsub.v1 over gRPC, push over HTTP, state in SQLite.

Built: topics, subscriptions, publishing, pull and streaming pull, leases, ordering keys, filters,
retry and dead-letter policies, push, exactly-once for pull, snapshots and seek.

Kept and returned but without effect: expiration policies, a topic's own message retention (only
subscriptions retain), storage policies and keys, push attributes.

Answered with UNIMPLEMENTED: schemas, ingestion, message transforms, exports to BigQuery, Bigtable
and Cloud Storage, push without the envelope, IAM. Messages themselves are reached over gRPC alone,
not over REST.
"""
