"""A watercourse of the domain back to the document that an operator would write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydrobid.domain.conditions import Conditions, Steps
from hydrobid.domain.time import utc_text
from hydrobid.domain.watercourse import Gate, Plant, Pump, Reservoir, Watercourse
from hydrobid.schema.versions import CANONICAL_VERSION

_NAMED = "name"


def document_of(watercourse: Watercourse) -> dict[str, Any]:
    """Return the document of a watercourse; reading it gives the watercourse again."""
    document: dict[str, Any] = {
        "version": CANONICAL_VERSION,
        "watercourse": str(watercourse.name),
        **({"source": watercourse.source} if watercourse.source else {}),
        "reservoirs": {str(r.name): _reservoir(r) for r in watercourse.reservoirs},
        "plants": {str(p.name): _plant(p) for p in watercourse.plants},
    }
    if watercourse.gates:
        document["gates"] = {str(g.name): _plain(g) for g in watercourse.gates}
    if watercourse.rivers:
        document["rivers"] = {str(r.name): _stated(r.to_document()) for r in watercourse.rivers}
    if watercourse.cuts:
        document["cuts"] = [cut.to_document() for cut in watercourse.cuts]
    conditions = watercourse.conditions
    if conditions is not None and (stated := _conditions(conditions)):
        document["conditions"] = stated
    return document


def _reservoir(reservoir: Reservoir) -> dict[str, Any]:
    fields = _stated(reservoir.to_document())
    fields["level"] = {"volume": fields["level"]["x"], "level": fields["level"]["y"]}
    if "overflow" in fields:
        overflow = fields.pop("overflow")
        way = {"to": overflow["to"]} if overflow.get("to") else {}
        spill = overflow["spill"]
        fields["overflow"] = {**way, "level": spill["x"], "flow": spill["y"]}
    return fields


def _plant(plant: Plant) -> dict[str, Any]:
    fields = _stated(plant.to_document())
    fields["units"] = {unit.pop(_NAMED): _unit(unit) for unit in fields["units"]}
    pumps = {str(pump.name): _pump(pump) for pump in plant.pumps}
    fields.pop("pumps", None)
    return fields | ({"pumps": pumps} if pumps else {})


def _unit(fields: dict[str, Any]) -> dict[str, Any]:
    found = _stated(fields)
    if "generator_efficiency" in found:
        curve = found.pop("generator_efficiency")
        found["generator"] = {"power": curve["x"], "efficiency": curve["y"]}
    for name in ("up_time_min", "down_time_min"):
        if name in found:
            found[name] = round(found[name])
    return found


def _pump(pump: Pump) -> dict[str, Any]:
    return _stated(pump.to_document())


def _plain(gate: Gate) -> dict[str, Any]:
    return _stated(gate.to_document())


def _stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something; an element's name is the key that leads to it."""
    return {k: v for k, v in fields.items() if v is not None and k != _NAMED}


def _conditions(conditions: Conditions) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in ("inflow", "reserve_up", "reserve_down"):
        if series := getattr(conditions, field):
            found[field] = {str(name): _steps(steps) for name, steps in series.items()}
    if conditions.limits:
        found["limits"] = {
            str(quantity): {str(name): _steps(steps) for name, steps in series.items()}
            for quantity, series in conditions.limits.items()
        }
    if conditions.maintenance:
        found["maintenance"] = {
            str(name): [{"start": utc_text(s.start), "end": utc_text(s.end)} for s in spans]
            for name, spans in conditions.maintenance.items()
        }
    if conditions.machines:
        found["machines"] = {
            str(name): _stated(state.to_document()) for name, state in conditions.machines.items()
        }
    if conditions.flow:
        found["flow"] = {str(name): flow for name, flow in conditions.flow.items()}
    if conditions.trade is not None:
        parts = (
            (part, getattr(conditions.trade, part)) for part in type(conditions.trade).model_fields
        )
        if trade := {part: _steps(steps) for part, steps in parts if steps is not None}:
            found["trade"] = trade
    return found


def _steps(steps: Steps) -> dict[str, float | None]:
    return {utc_text(at): v for at, v in zip(steps.times, steps.values, strict=True)}
