"""Desk: the bid desk's REST API. HTTP, called by people."""

import flask
import functions_framework

from hydrobid.bootstrap.loading import loading

with loading():
    from hydrobid.bootstrap.desk import ask
    from hydrobid.bootstrap.outcomes import Answer, answered


@functions_framework.http
def desk(request: flask.Request) -> Answer:
    """Answer what a person asks, or what came of what they have decided."""
    return answered(
        "desk",
        lambda: ask(
            request.method,
            request.path,
            request.args,
            {name.lower(): value for name, value in request.headers},
            request.get_json(silent=True),
        ),
    )
