"""Dispatcher: plans the run of a client's day. HTTP, called by the daily_bid workflow."""

import flask
import functions_framework

from hydrobid.bootstrap.dispatcher import dispatch
from hydrobid.bootstrap.outcomes import Answer, answered


@functions_framework.http
def dispatcher(request: flask.Request) -> Answer:
    """Answer with the run, its assets' tasks and its cut-offs."""
    return answered("dispatcher", lambda: dispatch(request.get_json(silent=True)))
