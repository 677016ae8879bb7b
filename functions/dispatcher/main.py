"""Dispatcher: plans the run of a client's day. HTTP, called by the daily_bid workflow; pushed inputs."""

import flask
import functions_framework

from hydrobid.bootstrap.loading import loading

with loading():
    from hydrobid.bootstrap.dispatcher import arrive, dispatch
    from hydrobid.bootstrap.outcomes import Answer, answered, handled
    from hydrobid.bootstrap.requests import pushed_to


@functions_framework.http
def dispatcher(request: flask.Request) -> Answer:
    """Answer with the run, its assets' tasks and its cut-offs, or take inputs that have arrived."""
    content, topic = request.get_json(silent=True), pushed_to(request.path)
    if topic is None:
        return answered("dispatcher", lambda: dispatch(content))
    handled("dispatcher", content, lambda: arrive(topic, content))
    return {}, 200
