"""An operator's watercourse to the domain's: curves, efficiencies, start states and connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import BaseModel

from hydrobid.domain.base import Value
from hydrobid.domain.connections import connection_faults
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import (
    Cut,
    Gate,
    Plant,
    Reservoir,
    River,
    Watercourse,
    volume_at,
)
from hydrobid.schema.checking import checked
from hydrobid.schema.conditions import conditions_of
from hydrobid.schema.findings import Place, perhaps, shortened
from hydrobid.schema.forms import (
    MAX_ELEMENTS,
    CutForm,
    GateForm,
    LevelForm,
    OverflowForm,
    PlantForm,
    ReservoirForm,
    RiverForm,
    WatercourseForm,
)
from hydrobid.schema.machines import pump_of, unit_of
from hydrobid.schema.points import paired, rising, within
from hydrobid.schema.versions import lifted

MAX_EXPECTED = 400

F = TypeVar("F", bound=BaseModel)
V = TypeVar("V", bound=Value)


def watercourse_of(content: dict[str, Any], place: Place) -> Watercourse | None:
    """Return the watercourse that an operator's document describes, elements sorted by name.

    Returns None once every fault of the document is noted at `place`.
    """
    document = lifted(content, place)
    form = checked(WatercourseForm, document, place) if document is not None else None
    before = len(place.findings)
    reservoirs = _elements(content, "reservoirs", ReservoirForm, Reservoir, _reservoir, place)
    plants = _elements(content, "plants", PlantForm, Plant, _plant, place)
    gates = _elements(content, "gates", GateForm, Gate, _named, place)
    rivers = _elements(content, "rivers", RiverForm, River, _named, place)
    cuts = _cuts(form.cuts if form else [], place / "cuts")
    conditions = None
    if content.get("conditions") is not None:
        conditions = conditions_of(content["conditions"], place / "conditions")
    # Elements with faults take part by name, so that what is wrong between them shows as well.
    frame = Watercourse.model_construct(
        name=Identifier("frame"),
        reservoirs=reservoirs,
        plants=plants,
        gates=gates,
        rivers=rivers,
        cuts=cuts,
        conditions=conditions,
    )
    names = [*(reservoir.name for reservoir in reservoirs), *(river.name for river in rivers)]
    for field, value, expected in connection_faults(frame):
        at = place / field if "." in field else place / field / str(value)
        at.refuse(value, shortened(f"{perhaps(value, names)}{expected}", MAX_EXPECTED))
    if form is None or len(place.findings) > before:
        return None
    return Watercourse(
        name=form.watercourse,
        source=form.source,
        reservoirs=reservoirs,
        plants=plants,
        gates=gates,
        rivers=rivers,
        cuts=cuts,
        conditions=conditions,
    )


def _elements(
    content: dict[str, Any],
    kind: str,
    form: type[F],
    element: type[V],
    mapped: Callable[[str, F, Place], dict[str, Any] | None],
    place: Place,
) -> tuple[V, ...]:
    """Return a kind's elements sorted by name, each faulty one as a bare frame of its references."""
    found = content.get(kind)
    if not isinstance(found, dict) or len(found) > MAX_ELEMENTS:
        return ()
    result: list[V] = []
    for name, fields in sorted(found.items()):
        at = place / kind / name
        if not Identifier.pattern.fullmatch(name):
            at.refuse(name, f"a name of {Identifier.rule}")
        filled = checked(form, fields, at)
        document = mapped(name, filled, at) if filled else None
        built = checked(element, document, at) if document else None
        frame = cast("V", element.model_construct(None, **_references(name, fields)))
        result.append(built or frame)
    return tuple(result)


def _cuts(listed: Sequence[Any], place: Place) -> tuple[Cut, ...]:
    """Return the cuts without faults, once every fault is noted."""
    forms = (checked(CutForm, fields, place / index) for index, fields in enumerate(listed))
    return tuple(Cut(constant=form.constant, slopes=form.slopes) for form in forms if form)


def _references(name: str, fields: Any) -> dict[str, Any]:
    known = fields if isinstance(fields, dict) else {}
    ways = {key: known.get(key) for key in ("reservoir", "to")}
    named = {key: way if isinstance(way, str) else None for key, way in ways.items()}
    return {"name": name, **named, "units": (), "pumps": (), "delay_minutes": 0}


def _named(name: str, form: BaseModel, _place: Place) -> dict[str, Any]:
    return {"name": name, **form.model_dump()}


def _reservoir(name: str, form: ReservoirForm, place: Place) -> dict[str, Any] | None:
    if form.volume_min >= form.volume_max:
        (place / "volume_min").refuse(form.volume_min, f"below volume_max, {form.volume_max:g}")
        return None
    if not _level_is_sound(form.level, place / "level"):
        return None
    start = _start_volume(form, place)
    overflow = _overflow(form.overflow, place / "overflow")
    if start is None:
        return None
    return {
        "name": name,
        **form.model_dump(
            exclude={"level", "start_level", "start_volume", "water_value", "overflow"}
        ),
        "level": {"x": form.level.volume, "y": form.level.level},
        "start_volume": start,
        "water_value": _water_value(form, start, place),
        "overflow": overflow,
    }


def _water_value(form: ReservoirForm, start: float, place: Place) -> float | None:
    """Return what a Mm3 is worth; by the segments, where it starts, if nothing else is stated."""
    ends = np.cumsum([segment.width for segment in form.water_value_segments])
    if form.water_value is not None or not ends.size:
        if form.water_value is None:
            (place / "water_value").refuse(None, "a value, or water_value_segments")
        return form.water_value
    position = min(int(np.searchsorted(ends, start)), ends.size - 1)
    return form.water_value_segments[position].water_value


def _overflow(form: OverflowForm | None, place: Place) -> dict[str, Any] | None:
    if form is None:
        return None
    paired(form.flow, form.level, place / "flow", "levels")
    rising(form.level, place / "level")
    rising(form.flow, place / "flow")
    if form.flow[0] != 0:
        (place / "flow" / 0).refuse(form.flow[0], "0: where it begins to run over")
    return {"to": form.to, "spill": {"x": form.level, "y": form.flow}}


def _level_is_sound(form: LevelForm, place: Place) -> bool:
    return (  # each is looked at, whatever the one before it says
        paired(form.level, form.volume, place / "level", "volumes")
        & rising(form.volume, place / "volume")
        & rising(form.level, place / "level")
    )


def _start_volume(form: ReservoirForm, place: Place) -> float | None:
    """Return where the reservoir starts, Mm3; a level is read from the curve."""
    level, volume = form.start_level, form.start_volume
    limits = (form.volume_min, form.volume_max)
    curve = form.level
    if level is None and volume is not None:
        sound = within(volume, limits, "Mm3", place / "start_volume")
        return volume if sound else None
    if level is not None and volume is None:
        levels = np.interp(limits, curve.volume, curve.level)
        sound = within(level, levels.tolist(), "m", place / "start_level")
        return volume_at(level, curve.level, curve.volume) if sound else None
    stated = "nothing" if level is None else "start_level and start_volume"
    (place / "start_level").refuse(stated, "one of the two: start_level in m, start_volume in Mm3")
    return None


def _plant(name: str, form: PlantForm, place: Place) -> dict[str, Any] | None:
    before = len(place.findings)
    units = [
        unit_of(unit, fields, len(form.penstock_loss), place / "units" / unit)
        for unit, fields in sorted(form.units.items())
    ]
    pumps = [
        pump_of(pump, fields, len(form.penstock_loss), place / "pumps" / pump)
        for pump, fields in sorted(form.pumps.items())
    ]
    if len(place.findings) > before:
        return None
    return {
        "name": name,
        **form.model_dump(exclude={"units", "pumps"}),
        "units": units,
        "pumps": pumps,
    }
