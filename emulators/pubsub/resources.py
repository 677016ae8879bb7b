"""Topics and subscriptions as resources: defaults, bounds and field masks.

Bounds: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from google.pubsub_v1.types import pubsub

from emulators.pubsub import names
from emulators.pubsub.errors import Refusal, invalid, too_large, too_small, unimplemented
from emulators.pubsub.filters import compile_filter
from emulators.pubsub.protos import FieldMask, Snapshot, Subscription, Topic

DEFAULT_ACK_DEADLINE: Final = 10
MAX_ACK_DEADLINE: Final = 600
_DAY: Final = 86_400
_RETENTION: Final = (600, 31 * _DAY)
_DEFAULT_RETENTION: Final = 7 * _DAY
_EXPIRATION: Final = (_DAY, 365 * _DAY)
_BACKOFF: Final = (0, 600)
_DEFAULT_BACKOFF: Final = (10, 600)
_ATTEMPTS: Final = (5, 100)

_MUTABLE_TOPIC = frozenset(
    {"labels", "message_storage_policy", "message_retention_duration", "schema_settings"}
)
_MUTABLE_SUBSCRIPTION = frozenset(
    {
        "push_config",
        "ack_deadline_seconds",
        "retain_acked_messages",
        "message_retention_duration",
        "labels",
        "expiration_policy",
        "dead_letter_policy",
        "retry_policy",
        "enable_exactly_once_delivery",
    }
)
_MUTABLE_SNAPSHOT = frozenset({"labels", "expire_time"})
_UNBUILT_TOPIC = ("ingestion_data_source_settings", "message_transforms")
_UNBUILT_SUBSCRIPTION = (
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "message_transforms",
)


def new_topic(requested: Any) -> Any:
    """Return the Topic to keep for a create request, or refuse it."""
    names.check_topic(requested.name)
    topic = Topic()
    topic.CopyFrom(requested)
    topic.state = pubsub.Topic.State.ACTIVE
    _check_topic(topic)
    return topic


def updated_topic(current: Any, patch: Any, mask: Any) -> Any:
    """Return `current` with the masked fields of `patch`, or refuse."""
    topic = _merged("Topic", current, patch, mask, _MUTABLE_TOPIC)
    _check_topic(topic)
    return topic


def new_subscription(requested: Any) -> Any:
    """Return the Subscription to keep for a create request with its defaults, or refuse it."""
    names.check_subscription(requested.name)
    names.check_topic(requested.topic)
    subscription = Subscription()
    subscription.CopyFrom(requested)
    subscription.state = pubsub.Subscription.State.ACTIVE
    subscription.detached = False
    _complete(subscription)
    if subscription.filter:
        compile_filter(subscription.filter)
    return subscription


def updated_subscription(current: Any, patch: Any, mask: Any) -> Any:
    """Return `current` with the masked fields of `patch` and defaults restored, or refuse."""
    subscription = _merged("Subscription", current, patch, mask, _MUTABLE_SUBSCRIPTION)
    _complete(subscription)
    return subscription


def new_snapshot(requested: Any, topic: str) -> Any:
    """Return the Snapshot to keep for a create request, still without an expiry."""
    return Snapshot(name=requested.name, topic=topic, labels=requested.labels)


def updated_snapshot(current: Any, patch: Any, mask: Any) -> Any:
    """Return `current` with the masked fields of `patch`, or refuse."""
    return _merged("Snapshot", current, patch, mask, _MUTABLE_SNAPSHOT)


def check_ack_deadline(seconds: int) -> None:
    """Refuse a lease extension outside 0 to 600 s; 0 gives the message back."""
    if seconds < 0:
        raise too_small("ack_deadline_seconds", seconds, 0)
    if seconds > MAX_ACK_DEADLINE:
        raise too_large("ack_deadline_seconds", seconds, MAX_ACK_DEADLINE)


def seconds_of(duration: Any) -> float:
    """Return a protobuf Duration in seconds."""
    return float(duration.seconds) + float(duration.nanos) / 1e9


def _merged(kind: str, current: Any, patch: Any, mask: Any, mutable: frozenset[str]) -> Any:
    if not mask.paths:
        raise invalid(
            f"The update_mask in the Update{kind}Request must be set and contain a non-empty "
            "paths list."
        )
    for path in mask.paths:
        if not FieldMask(paths=[path]).IsValidForDescriptor(current.DESCRIPTOR):
            raise invalid(
                f"Invalid update_mask provided in the Update{kind}Request: '{path}' is not a known "
                f"{kind} field. Note that field paths must be of the form 'push_config' rather "
                "than 'pushConfig'."
            )
        if path.split(".")[0] not in mutable:
            raise invalid(
                f"Invalid update_mask provided in the Update{kind}Request: the '{path}' field in "
                f"the {kind} is not mutable."
            )
    merged = type(current)()
    merged.CopyFrom(current)
    mask.MergeMessage(patch, merged, replace_message_field=True, replace_repeated_field=True)
    return merged


def _check_topic(topic: Any) -> None:
    _refuse_unbuilt(topic, _UNBUILT_TOPIC)
    if topic.HasField("message_retention_duration"):
        _check_duration("message_retention_duration", topic.message_retention_duration, _RETENTION)


def _complete(subscription: Any) -> None:
    """Fill what a subscription leaves open and refuse what is out of bounds."""
    _refuse_unbuilt(subscription, _UNBUILT_SUBSCRIPTION)
    _complete_deadlines(subscription)
    _complete_policies(subscription)
    subscription.push_config.SetInParent()
    _check_push(subscription.push_config)


def _complete_deadlines(subscription: Any) -> None:
    if subscription.ack_deadline_seconds == 0:
        subscription.ack_deadline_seconds = DEFAULT_ACK_DEADLINE
    if subscription.ack_deadline_seconds < DEFAULT_ACK_DEADLINE:
        raise too_small(
            "ack_deadline_seconds", subscription.ack_deadline_seconds, DEFAULT_ACK_DEADLINE
        )
    check_ack_deadline(subscription.ack_deadline_seconds)
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = _DEFAULT_RETENTION
    _check_duration(
        "message_retention_duration", subscription.message_retention_duration, _RETENTION
    )
    if subscription.expiration_policy.HasField("ttl"):
        _check_duration("expiration_policy.ttl", subscription.expiration_policy.ttl, _EXPIRATION)


def _complete_policies(subscription: Any) -> None:
    if subscription.HasField("retry_policy"):
        policy = subscription.retry_policy
        for field, default in zip(
            ("minimum_backoff", "maximum_backoff"), _DEFAULT_BACKOFF, strict=True
        ):
            if not policy.HasField(field):
                getattr(policy, field).seconds = default
            _check_duration(field, getattr(policy, field), _BACKOFF)
        shortest, longest = map(seconds_of, (policy.minimum_backoff, policy.maximum_backoff))
        if longest < shortest:
            raise too_small("maximum_backoff", f"{longest:g}s", f"{shortest:g}s")
    if subscription.HasField("dead_letter_policy"):
        policy = subscription.dead_letter_policy
        names.check_topic(policy.dead_letter_topic)
        policy.max_delivery_attempts = policy.max_delivery_attempts or _ATTEMPTS[0]
        _check_attempts(policy.max_delivery_attempts)


def _check_attempts(attempts: int) -> None:
    refusal = None
    if attempts < _ATTEMPTS[0]:
        refusal = too_small("max_delivery_attempts", attempts, _ATTEMPTS[0])
    elif attempts > _ATTEMPTS[1]:
        refusal = too_large("max_delivery_attempts", attempts, _ATTEMPTS[1])
    if refusal is not None:
        # The one bound that Google answers with OUT_OF_RANGE.
        raise Refusal(grpc.StatusCode.OUT_OF_RANGE, refusal.message)


def _check_push(push: Any) -> None:
    if push.HasField("no_wrapper"):
        raise unimplemented("push_config.no_wrapper")
    if not push.push_endpoint:
        return
    refusal = invalid(
        f"Invalid push endpoint given (endpoint={push.push_endpoint}). "
        "It must be a URL that begins with http:// or https:// and names a host."
    )
    try:
        url = urlsplit(push.push_endpoint)
        named = url.hostname is not None and (url.port is None or url.port > 0)
    except ValueError:
        raise refusal from None
    spaced = any(one.isspace() or not one.isprintable() for one in push.push_endpoint)
    if url.scheme not in {"http", "https"} or not named or spaced:
        raise refusal


def _check_duration(field: str, duration: Any, bounds: tuple[int, int]) -> None:
    seconds = seconds_of(duration)
    if seconds < bounds[0]:
        raise too_small(field, f"{seconds:g}s", f"{bounds[0]}s")
    if seconds > bounds[1]:
        raise too_large(field, f"{seconds:g}s", f"{bounds[1]}s")


def _refuse_unbuilt(resource: Any, fields: tuple[str, ...]) -> None:
    present = {descriptor.name for descriptor, _ in resource.ListFields()}
    for field in fields:
        if field in present:
            raise unimplemented(field)
