"""A subscription's resource read as the rules of its delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from emulators.pubsub.filters import Predicate, compile_filter
from emulators.pubsub.resources import seconds_of


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waiting between two deliveries of a message, in seconds."""

    shortest: float
    longest: float

    def after(self, attempts: int) -> float:
        """Return the wait after delivery number `attempts` has failed."""
        # The exponent is bounded: a message that fails for days would overflow a float.
        return min(self.longest, self.shortest * 2.0 ** min(attempts - 1, 30))


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """Where a message goes after how many deliveries."""

    topic: str
    max_attempts: int


@dataclass(frozen=True, slots=True)
class PushTarget:
    """Where messages are pushed to; without an e-mail no token is sent."""

    endpoint: str
    token_email: str
    token_audience: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How a subscription delivers; durations in seconds, retention counted in real time."""

    ack_deadline: float
    retention: float
    retain_acked: bool
    ordered: bool
    exactly_once: bool
    detached: bool
    accepts: Predicate | None
    backoff: Backoff | None
    dead_letter: DeadLetterPolicy | None
    push: PushTarget | None


# What a push subscription without a retry policy waits:
# https://cloud.google.com/pubsub/docs/push#push_backoff
PUSH_BACKOFF: Final = Backoff(0.1, 60.0)


def settings_of(resource: Any) -> Settings:
    """Return the rules that a complete Subscription resource lays down."""
    push = _push_target(resource.push_config)
    return Settings(
        ack_deadline=float(resource.ack_deadline_seconds),
        retention=seconds_of(resource.message_retention_duration),
        retain_acked=resource.retain_acked_messages,
        ordered=resource.enable_message_ordering,
        exactly_once=resource.enable_exactly_once_delivery,
        detached=resource.detached,
        accepts=compile_filter(resource.filter) if resource.filter else None,
        backoff=_backoff(resource, pushed=push is not None),
        dead_letter=_dead_letter(resource),
        push=push,
    )


def _backoff(resource: Any, *, pushed: bool) -> Backoff | None:
    if resource.HasField("retry_policy"):
        policy = resource.retry_policy
        return Backoff(seconds_of(policy.minimum_backoff), seconds_of(policy.maximum_backoff))
    return PUSH_BACKOFF if pushed else None


def _dead_letter(resource: Any) -> DeadLetterPolicy | None:
    if not resource.HasField("dead_letter_policy"):
        return None
    policy = resource.dead_letter_policy
    return DeadLetterPolicy(policy.dead_letter_topic, policy.max_delivery_attempts)


def _push_target(push: Any) -> PushTarget | None:
    if not push.push_endpoint:
        return None
    token = push.oidc_token
    return PushTarget(
        push.push_endpoint, token.service_account_email, token.audience or push.push_endpoint
    )
