"""Aggregator: settles an asset's partial bid. Pushed asset-settled messages."""

import functions_framework
from cloudevents.http import CloudEvent

from hydrobid.bootstrap.loading import loading

with loading():
    from hydrobid.bootstrap.aggregator import aggregate
    from hydrobid.bootstrap.outcomes import handled


@functions_framework.cloud_event
def aggregator(event: CloudEvent) -> None:
    """Return when the message is done with; raise to have it delivered again."""
    handled("aggregator", event.data, lambda: aggregate(event.data))
