"""A SHOP case in one YAML document to a watercourse, a horizon and prices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.conditions import Steps
from hydrobid.domain.connections import connection_faults
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.conditions import means
from hydrobid.hydro.horizon import Horizon
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place
from hydrobid.schema.shop.connections import connections_of
from hydrobid.schema.shop.dated import Dated
from hydrobid.schema.shop.elements import Elements
from hydrobid.schema.shop.forms import CaseForm, TimeForm
from hydrobid.schema.shop.objects import objects_of
from hydrobid.schema.shop.times import periods_of
from hydrobid.schema.shop.water_values import with_values

_DELAY_UNIT = re.compile(r"set\s+time_delay_unit\s+/?(hour|minute)", re.IGNORECASE)
_UNITS = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


@dataclass(frozen=True, eq=False)
class ShopCase:
    """What a SHOP document describes.

    watercourse: with the conditions of the horizon. prices: (T,) currency per MWh at which is
    sold, None where no market has a price. ignored: paths of what is not understood, sorted as in
    the document's sections.
    """

    watercourse: Watercourse
    horizon: Horizon
    prices: NDArray[np.float64] | None
    ignored: tuple[str, ...]


def is_shop(content: Any) -> bool:
    """Return whether a document is a SHOP case, well-formed or not."""
    return isinstance(content, dict) and {"model", "connections"} <= content.keys()


def shop_case_of(content: Mapping[str, Any], name: str, place: Place) -> ShopCase | None:
    """Return the case that a SHOP document describes, or None once every fault of it is noted.

    name: of the watercourse; SHOP's cases have none.
    """
    form = checked(CaseForm, content, place)
    if form is None:
        return None
    before = len(place.findings)
    edges = periods_of(form.time, place / "time")
    objects = objects_of(form.model, place / "model")
    connections = connections_of(form.connections, form.model, place / "connections")
    if edges is None or len(place.findings) > before:
        return None
    elements = Elements(objects, connections, _delay_unit(form))
    document: dict[str, Any] = {
        "name": name,
        "reservoirs": elements.reservoirs(),
        "plants": elements.plants(),
        "gates": elements.gates(),
        "rivers": elements.rivers(),
    }
    watercourse = None
    if len(place.findings) == before and _is_connected(document, place):
        watercourse = checked(Watercourse, document, place / "model")
    if watercourse is None:
        return None
    dated = Dated(objects, connections, edges[-1])
    horizon = Horizon(tuple(edges), slice(0, len(edges) - 1))
    prices, trade = _market(dated, horizon)
    document = with_values(watercourse, objects, connections)
    conditions = dated.conditions(_parts(watercourse))
    document["conditions"] = conditions | ({"trade": trade} if trade else {})
    if len(place.findings) > before:
        return None
    valued = checked(Watercourse, document, place / "model")
    if valued is None:
        return None
    ignored = [*_other_sections(content, form), *objects.ignored, *connections.ignored]
    return ShopCase(valued, horizon, prices, tuple(dict.fromkeys(ignored)))


def _delay_unit(form: CaseForm) -> timedelta:
    """Return what time delays count: the unit that a command sets, else that of the time."""
    stated = [match[1] for line in form.commands if (match := _DELAY_UNIT.search(line))]
    time = form.time if isinstance(form.time, dict) else {}
    return _UNITS[stated[-1].lower() if stated else time.get("timeunit", "hour")]


def _is_connected(document: Mapping[str, Any], place: Place) -> bool:
    """Return whether elements lead somewhere; note where they do not."""
    frame = Watercourse.model_construct(**document)
    faults = list(connection_faults(frame))
    for field, value, expected in faults:
        (place / "connections" / field).refuse(value, expected)
    return not faults


def _market(dated: Dated, horizon: Horizon) -> tuple[NDArray[np.float64] | None, dict[str, Any]]:
    """Return the prices and the trade of the one energy market that has a price."""
    markets = list(dated.objects.markets.items())
    for name, _ in markets[1:]:
        expected = "one market of energy with a sale_price: which would sell is not chosen"
        dated.objects.at("market", name).refuse(name, expected)
    if not markets:
        return None, {}
    name, form = markets[0]
    steps, trade = dated.market(name, form)
    if steps is None or not _covers(steps, horizon.start, dated.objects.at("market", name)):
        return None, trade
    return means(steps, horizon, 0.0), trade


def _covers(steps: Steps, start: datetime, place: Place) -> bool:
    if steps.times[0] <= start:
        return True
    first = f"{steps.times[0]:%Y-%m-%d %H:%M:%S}"
    (place / "sale_price").refuse(first, f"a first price at or before {start:%Y-%m-%d %H:%M:%S}")
    return False


def _parts(watercourse: Watercourse) -> dict[str, set[str]]:
    """Return the names that take part, by kind of SHOP's objects; a river's way in is a gate."""
    plants = watercourse.plants
    gates = {str(gate.name) for gate in watercourse.gates}
    rivers = {str(river.name) for river in watercourse.rivers}
    return {
        "reservoir": {reservoir.name for reservoir in watercourse.reservoirs},
        "plant": {plant.name for plant in plants},
        "gate": gates,
        "river": gates & rivers,
        "generator": {unit.name for plant in plants for unit in plant.units},
        "pump": {pump.name for plant in plants for pump in plant.pumps},
    }


def _other_sections(content: Mapping[str, Any], form: CaseForm) -> Iterable[str]:
    """Yield what a document has beside its sections, and within its time."""
    for index, line in enumerate(form.commands):
        if not _DELAY_UNIT.search(line):
            yield f"commands[{index}]"
    known = CaseForm.model_fields
    yield from (key for key in content if key not in known)
    if isinstance(form.time, dict):
        yield from (f"time.{key}" for key in form.time if key not in TimeForm.model_fields)
