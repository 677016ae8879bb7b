"""Pub/Sub: messages through Google's client, from publish to acknowledgement."""

from __future__ import annotations

import os
import statistics
import threading
import time
from typing import Any

from google.cloud import pubsub_v1

from emulator_parts.running import MODES, emulators

ROUNDS, MESSAGES = 5, 4_000
TOPIC, SUBSCRIPTION = "projects/p/topics/runs", "projects/p/subscriptions/runs"
BODY = b'{"run": "2026-11-28~r1", "asset": "upper"}'


def figures() -> dict[str, Any]:
    """Return messages a second, published, delivered to a streaming pull and acknowledged."""
    return {mode: _measured(mode) for mode in MODES}


def _measured(mode: str) -> dict[str, Any]:
    with emulators(mode, "pubsub") as addresses:
        os.environ["PUBSUB_EMULATOR_HOST"] = addresses["pubsub"]
        with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
            publisher.create_topic(name=TOPIC)
            subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
            _round(publisher, subscriber)
            rates = [_round(publisher, subscriber) for _ in range(ROUNDS)]
    return {"messages_per_s": round(statistics.median(rates))}


def _round(publisher: pubsub_v1.PublisherClient, subscriber: pubsub_v1.SubscriberClient) -> float:
    left, done = [MESSAGES], threading.Event()
    lock = threading.Lock()

    def receive(message: Any) -> None:
        message.ack()
        with lock:
            left[0] -= 1
            if not left[0]:
                done.set()

    began = time.perf_counter()
    pull = subscriber.subscribe(SUBSCRIPTION, receive)
    for _ in range(MESSAGES):
        publisher.publish(TOPIC, BODY, kind="asset-settled")
    if not done.wait(60):
        raise TimeoutError(f"{left[0]} of {MESSAGES} messages have not come")
    taken = time.perf_counter() - began
    pull.cancel()
    pull.result()
    return MESSAGES / taken
