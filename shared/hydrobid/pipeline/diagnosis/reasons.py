"""Why a scenario has no schedule, in words that help whoever is to mend it."""

from __future__ import annotations

from typing import Final

REASONS: Final = {
    "INFEASIBLE": (
        "no schedule keeps every limit: see start volumes, minimum flows and volume limits of the "
        "watercourse"
    ),
    "UNBOUNDED": "the model has no best schedule: see water values and prices for a missing limit",
    "INVALID_PRICES": "its prices are not one finite number an MTU: see the scenario set",
    "ITERATION_LIMIT": "the solver went in circles: replay it, and see the watercourse's figures",
    "SOLVER_ERROR": "the solver failed: replay it to see its words",
    "SOLVER_DIED": "the solver's process ended or was ended: see scenario_seconds, memory and logs",
    "SOLVER_MISSING": "the deployment has no solver of the name that the asset asks for: set it up",
    "SKIPPED": "it was at hand when two tries died, and was left out to spare the others: replay it",
    "NOT_STARTED": "its task was not begun before the bid was made: see workflow and solver",
    "NOT_REACHED": "its task was begun, and did not come to it before the bid was made",
    "AT_HAND": "it was being solved when the bid was made: it hung, or its solver died",
    "NOT_SETTLED": "it has no schedule yet, and the asset was not settled yet",
    "CORRUPT_DOCUMENT": "what was stored of it cannot be read: see the alert of that name",
    "SERVICE_UNAVAILABLE": "a service that the solver needs did not answer: see its log",
}
ANY_REASON: Final = "the solver's own words are all that is known"


def what_it_means(reason: str) -> str:
    """Return what it means that a scenario has no schedule for a reason."""
    return REASONS.get(reason, ANY_REASON)
