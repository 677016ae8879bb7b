"""The desk's routes: each names its path, its use case and its forms, and is found by a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from hydrobid.adapters.desk_api.desk import Desk
from hydrobid.adapters.desk_api.forms import DecisionForm, HoldForm, OverrideForm, SwitchForm
from hydrobid.domain.base import Value
from hydrobid.domain.errors import NotFound

DESCRIPTION = "/openapi.json"
"""Where the API describes itself, to anybody."""


@dataclass(frozen=True, eq=False)
class Route:
    """A request that the desk takes.

    form: what its body holds, None where it has none. query: what may be asked for, and what that
    means.
    """

    method: str
    path: str
    act: Callable[[Desk, Mapping[str, str], Mapping[str, str], Any], dict[str, Any]]
    form: type[Value] | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the route is called, after what it does."""
        return self.act.__name__


DAY = {
    "day": "a delivery day, as 2026-03-29; the next one whose gate is open if not given",
    "price_area": "one price area; all of the day's if not given",
}
_BID = "/runs/{run}/areas/{area}"

ROUTES = (
    Route("GET", "/bids", Desk.bids, query={"waiting": "true: only what waits for approval"}),
    Route("GET", "/runs/{run}", Desk.run),
    Route("GET", "/runs/{run}/events", Desk.events),
    Route("GET", _BID, Desk.bid),
    Route("POST", f"{_BID}/approve", Desk.approve, DecisionForm),
    Route("POST", f"{_BID}/reject", Desk.reject, DecisionForm),
    Route("POST", f"{_BID}/override", Desk.override, OverrideForm),
    Route("POST", f"{_BID}/dry-run", Desk.ask_dry_run, DecisionForm),
    Route("GET", f"{_BID}/dry-run", Desk.dry_run),
    Route("GET", "/orders", Desk.orders, query=DAY),
    Route("POST", "/orders/withdraw", Desk.withdraw, HoldForm),
    Route("POST", "/orders/lock", Desk.lock, HoldForm),
    Route("POST", "/orders/release", Desk.release, HoldForm),
    Route("GET", "/kill-switch", Desk.kill_switch),
    Route("POST", "/kill-switch", Desk.turn_kill_switch, SwitchForm),
)

_MAP = Map(
    [
        Rule(
            route.path.replace("{", "<").replace("}", ">"),
            methods=[route.method],
            endpoint=route,
        )
        for route in ROUTES
    ],
    strict_slashes=True,
    redirect_defaults=False,
)


def found(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """Return the route that a request is for, and what its path names.

    Raises:
        NotFound: there is none; the details list the methods that the path takes, if any.
    """
    adapter = _MAP.bind("desk")
    try:
        route, arguments = adapter.match(path, method=method)
    except HTTPException as error:
        allowed = (
            sorted(adapter.allowed_methods(path)) if error.code != HTTPStatus.NOT_FOUND else []
        )
        raise NotFound(f"the desk takes no {method} {path}", allowed=allowed) from None
    return route, arguments
