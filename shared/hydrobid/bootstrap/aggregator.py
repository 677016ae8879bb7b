"""The aggregator, wired: asset-settled in, asset-bid out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.pubsub import PubSubMessages
from hydrobid.adapters.pushes import pushed_message
from hydrobid.adapters.structured_logs import label
from hydrobid.bootstrap.alerting import alerts_sent
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.requests import check_client
from hydrobid.bootstrap.settings import FunctionSettings
from hydrobid.bootstrap.topology import database_id, topic_path
from hydrobid.domain.messages import AssetSettled
from hydrobid.pipeline.aggregate_asset import aggregate_asset


@lru_cache(maxsize=1)
def _wired() -> tuple[FunctionSettings, FirestoreDocuments, SystemClock, PubSubMessages]:
    settings = FunctionSettings()
    return (
        settings,
        FirestoreDocuments(settings.project, database_id(settings.client)),
        SystemClock(settings.clock_file),
        PubSubMessages(lambda topic: topic_path(settings.project, settings.client, topic)),
    )


def aggregate(data: Any) -> Done:
    """Settle the asset that a pushed message names, and return what came of it.

    Raises:
        HydrobidError: as `aggregate_asset` does, or the message is not of its form.
    """
    settings, documents, clock, messages = _wired()
    message = pushed_message(AssetSettled, data)
    label(message.to_document())
    check_client(settings.client, message.client)
    with alerts_sent("aggregator", settings.client, documents, clock):
        record = aggregate_asset(documents, clock, messages, message)
    coverage = record.coverage
    return Done(
        f"{record.asset} {record.state} with {coverage.solved} of {coverage.planned} scenarios",
        {
            "state": record.state,
            "version": record.version,
            "solved": coverage.solved,
            "planned": coverage.planned,
            "probability": coverage.probability,
        },
    )
