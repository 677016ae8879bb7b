"""Pub/Sub of the local cloud: google.pubsub.v1 over gRPC, push over HTTP, state in SQLite.

Built: topics, subscriptions, publishing, pull and streaming pull, leases, ordering keys, filters,
retry and dead-letter policies, push. Answered with UNIMPLEMENTED, and openly so: schemas,
ingestion, message transforms, exports to BigQuery, Bigtable and Cloud Storage, push without the
envelope, IAM.
"""
