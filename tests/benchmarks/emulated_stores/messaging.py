"""Messages through Google's Pub/Sub client, from publish to acknowledgement."""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from google.cloud import pubsub_v1

from emulated_stores import servers

ROUNDS, MESSAGES = 5, 4_000
BODY = b'{"run": "2026-11-28~r1", "asset": "upper"}'


def measured(folder: Path | None) -> dict[str, Any]:
    """Return messages a second, published, delivered to a streaming pull and acknowledged."""
    with servers.emulator("pubsub", folder) as port:
        os.environ["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{port}"
        with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
            topic, subscription = "projects/p/topics/runs", "projects/p/subscriptions/runs"
            publisher.create_topic(name=topic)
            subscriber.create_subscription(name=subscription, topic=topic)
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
    pull = subscriber.subscribe("projects/p/subscriptions/runs", receive)
    for _ in range(MESSAGES):
        publisher.publish("projects/p/topics/runs", BODY, kind="asset-settled")
    if not done.wait(60):
        raise TimeoutError(f"{left[0]} of {MESSAGES} messages have not come")
    taken = time.perf_counter() - began
    pull.cancel()
    pull.result()
    return MESSAGES / taken
