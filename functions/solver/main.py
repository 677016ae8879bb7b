"""Solver: solves one task of a run. HTTP, called by the solve_asset workflow."""

import flask
import functions_framework

from hydrobid.bootstrap.loading import loading

with loading():
    from hydrobid.bootstrap.outcomes import Answer, answered
    from hydrobid.bootstrap.solver import solve


@functions_framework.http
def solver(request: flask.Request) -> Answer:
    """Answer with how many of the task's scenarios are solved, failed and skipped."""
    return answered("solver", lambda: solve(request.get_json(silent=True)))
