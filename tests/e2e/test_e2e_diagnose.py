"""Diagnosis, replay and dead letters where everything is a process of its own."""

from __future__ import annotations

import json

import pytest
from google.cloud import pubsub_v1

pytestmark = pytest.mark.e2e

CLIENT = ("--client", "sintef-example")


@pytest.fixture(scope="module")
def run(cloud) -> str:
    return cloud.json("run", "sintef-example", "--date", "2027-02-03")["run"]


def test_diagnose_and_replay__a_run_through_every_process(cloud, run):
    diagnosis = cloud.json("diagnose", run, *CLIENT)
    replay = cloud.json("replay", run, *CLIENT, "--asset", "shop-standard", "--scenario", "s17")

    assert [span["stage"] for span in diagnosis["stages"]] == [
        "solve",
        "aggregate",
        "merge",
        "submit",
    ]
    assert diagnosis["critical_path"][0]["what"] == "planned"
    assert diagnosis["critical_path"][-1]["what"].startswith("stood as order")
    assert diagnosis["spare_seconds"] > 0
    assert diagnosis["areas"][0]["offered"]["sales"] > 0
    assert replay["equal"]
    assert replay["stored"]["digest"] == replay["replayed"]["digest"]


def test_dead_letters__are_kept_until_they_are_delivered_again(cloud, run, monkeypatch):
    message = {"client": "sintef-example", "run": run, "asset": "shop-standard"}
    give_up(cloud, message, monkeypatch)

    (listed,) = cloud.json("dead-letters", *CLIENT)["dead_letters"]
    replayed = cloud.json("dead-letters", "replay", *CLIENT, "--id", listed["id"])["replayed"]

    assert listed["topic"] == "sintef-example-asset-settled"
    assert (listed["message"], listed["attempts"]) == (message, 5)
    assert replayed == [listed]
    assert cloud.json("dead-letters", *CLIENT)["dead_letters"] == []


def give_up(cloud, message, monkeypatch) -> None:
    """Leave a dead letter as Pub/Sub does when the aggregator has refused a message five times."""
    port = json.loads((cloud.data_dir / "state.json").read_text())["ports"]["pubsub"]
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    publisher = pubsub_v1.PublisherClient()
    try:
        publisher.publish(
            "projects/hydrobid-local/topics/sintef-example-dead-letters",
            json.dumps(message).encode(),
            CloudPubSubDeadLetterSourceDeliveryCount="5",
            CloudPubSubDeadLetterSourceSubscription="sintef-example-asset-settled-aggregator",
            CloudPubSubDeadLetterSourceSubscriptionProject="hydrobid-local",
        ).result(timeout=10)
    finally:
        publisher.stop()
        publisher.transport.close()
