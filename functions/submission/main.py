"""Submission: brings area bids to the exchange. Pushed messages of three topics."""

import functions_framework
from cloudevents.http import CloudEvent

from hydrobid.bootstrap.loading import loading

with loading():
    from hydrobid.bootstrap.outcomes import handled
    from hydrobid.bootstrap.submission import submit


@functions_framework.cloud_event
def submission(event: CloudEvent) -> None:
    """Return when the message is done with; raise to have it delivered again."""
    handled("submission", event.data, lambda: submit(event["source"], event["time"], event.data))
