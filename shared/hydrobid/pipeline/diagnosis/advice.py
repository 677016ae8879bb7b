"""What a person can do about an alert, and about a scenario that has no schedule."""

from __future__ import annotations

from typing import Final

ALERTS: Final = {
    "ASSET_WITHOUT_BID": (
        "Mend what kept its scenarios from being solved, then run the day again before the gate: "
        "what is solved already is kept. Otherwise plan the asset for the intraday market."
    ),
    "ASSET_ON_FALLBACK": (
        "Look at the asset's curves before the gate. Once its scenarios can be solved, run the day "
        "again: a bid from scenarios takes the fallback's place."
    ),
    "AREA_WITHOUT_BID": (
        "Mend what its findings name and run the day again before the gate, or bid by hand at the "
        "exchange."
    ),
    "ORDER_REFUSED": (
        "Read the exchange's words. What was approved before still stands where there was one; "
        "changed inputs make a new revision."
    ),
    "GATE_MISSED": (
        "The auction takes no more orders: what stood at the gate counts. Cover the difference on "
        "the intraday market."
    ),
    "EXCHANGE_DENIED": (
        "See that the account, its rights and the portfolio are as the exchange has them. The order "
        "is tried again until the gate."
    ),
    "RUN_BY_GUARD": (
        "Look at the bid before the gate: it was made without solving. Then find out why the daily "
        "run did not start: scheduler, workflow, dispatcher."
    ),
    "CORRUPT_DOCUMENT": (
        "A stored document is not what was written. Publish the client's inputs again and run the "
        "day: the next revision does not read it."
    ),
}
ANY_ALERT: Final = (
    "No redelivery mends it: mend the cause that the message names, then run the day again."
)

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
    "SERVICE_UNAVAILABLE": "a service that the solver needs did not answer: see its log",
}
ANY_REASON: Final = "the solver's own words are all that is known"


def what_to_do(code: str) -> str:
    """Return what a person can do about an alert of a code."""
    return ALERTS.get(code, ANY_ALERT)


def what_it_means(reason: str) -> str:
    """Return what it means that a scenario has no schedule for a reason."""
    return REASONS.get(reason, ANY_REASON)
