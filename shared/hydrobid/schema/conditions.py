"""What an operator says of the days around a bid, to the domain's conditions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hydrobid.domain.conditions import Conditions, Quantity
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.time import parse_instant
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place
from hydrobid.schema.forms import MAX_ELEMENTS, Flow, Form, Number

MAX_STEPS = 10_000
INSTANT = "an instant with an offset, as 2026-03-28T13:45+01:00"

Amount = Annotated[Number, Field(ge=-1e9, le=1e9)]
Series = Annotated[dict[str, Amount | None], Field(min_length=1, max_length=MAX_STEPS)]
BySeries = Annotated[dict[Identifier, Series], Field(max_length=MAX_ELEMENTS)]


class SpanForm(Form):
    """A time, its end not included."""

    start: str
    end: str


class MachineForm(Form):
    """How a unit or pump is found at the start, and for how many hours it has been so."""

    on: bool
    hours: Annotated[Number, Field(ge=0, le=100_000)] | None = None


class TradeForm(Form):
    """What the market asks and allows, MW; purchase_markup in currency per MWh."""

    obligation: Series | None = None
    sale_max: Series | None = None
    purchase_max: Series | None = None
    purchase_markup: Series | None = None


class ConditionsForm(Form):
    """Series and states by element. A series holds a value from each instant on; null ends it."""

    inflow: BySeries = Field(default_factory=dict)
    limits: dict[Quantity, BySeries] = Field(default_factory=dict)
    maintenance: Annotated[
        dict[Identifier, Annotated[list[SpanForm], Field(max_length=1000)]],
        Field(max_length=MAX_ELEMENTS),
    ] = Field(default_factory=dict)
    machines: Annotated[dict[Identifier, MachineForm], Field(max_length=MAX_ELEMENTS)] = Field(
        default_factory=dict
    )
    flow: Annotated[dict[Identifier, Flow], Field(max_length=MAX_ELEMENTS)] = Field(
        default_factory=dict
    )
    trade: TradeForm | None = None
    reserve_up: BySeries = Field(default_factory=dict)
    reserve_down: BySeries = Field(default_factory=dict)


def conditions_of(content: Any, place: Place) -> Conditions | None:
    """Return the conditions that a document states, or None once every fault of them is noted."""
    form = checked(ConditionsForm, content, place)
    if form is None:
        return None
    before = len(place.findings)
    document = {
        "inflow": _by_element(form.inflow, place / "inflow"),
        "limits": {
            quantity: _by_element(series, place / "limits" / quantity)
            for quantity, series in form.limits.items()
        },
        "maintenance": {
            name: [_span(s, place / "maintenance" / name / i) for i, s in enumerate(spans)]
            for name, spans in form.maintenance.items()
        },
        "machines": form.model_dump()["machines"],
        "flow": form.flow,
        "trade": None if form.trade is None else _trade(form.trade, place / "trade"),
        "reserve_up": _by_element(form.reserve_up, place / "reserve_up"),
        "reserve_down": _by_element(form.reserve_down, place / "reserve_down"),
    }
    return None if len(place.findings) > before else Conditions.model_validate(document)


def _by_element(series: Mapping[Identifier, Mapping[str, float | None]], place: Place) -> Any:
    return {name: _steps(values, place / name) for name, values in series.items()}


def _trade(form: TradeForm, place: Place) -> dict[str, Any]:
    parts = {part: getattr(form, part) for part in type(form).model_fields}
    return {
        part: _steps(values, place / part, signed=part == "obligation")
        for part, values in parts.items()
        if values is not None
    }


def _steps(
    series: Mapping[str, float | None], place: Place, *, signed: bool = False
) -> dict[str, Any]:
    """Return a series in order of its instants, once every fault of it is noted."""
    known: dict[datetime, float | None] = {}
    for text, value in series.items():
        instant = _instant(text, place / text)
        if instant in known:
            (place / text).refuse(text, "each instant once")
        if value is not None and value < 0 and not signed:
            (place / text).refuse(value, "0 or more")
        if instant is not None:
            known[instant] = value
    times = sorted(known)
    return {"times": times, "values": [known[time] for time in times]}


def _span(form: SpanForm, place: Place) -> dict[str, Any]:
    start, end = _instant(form.start, place / "start"), _instant(form.end, place / "end")
    if start is not None and end is not None and end <= start:
        (place / "end").refuse(form.end, f"after its start, {form.start}")
    return {"start": start, "end": end}


def _instant(text: str, place: Place) -> datetime | None:
    try:
        return parse_instant(text)
    except (InvalidInput, OverflowError):
        place.refuse(text, INSTANT)
        return None
