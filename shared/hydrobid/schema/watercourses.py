"""An operator's watercourse to the domain's: curves, efficiencies, start states and connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import BaseModel

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import WATER_DECIMALS, rounded
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import (
    Gate,
    Plant,
    Reservoir,
    River,
    Watercourse,
    connection_faults,
)
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place, perhaps, shortened
from hydrobid.schema.forms import (
    MAX_ELEMENTS,
    GateForm,
    GeneratorForm,
    LevelForm,
    PlantForm,
    PumpForm,
    ReservoirForm,
    RiverForm,
    TurbineForm,
    UnitForm,
    WatercourseForm,
)
from hydrobid.schema.points import paired, rising, within

EFFICIENCY_DECIMALS = 9
MAX_EXPECTED = 400

F = TypeVar("F", bound=BaseModel)
V = TypeVar("V", bound=Value)


def watercourse_of(content: dict[str, Any], place: Place) -> Watercourse | None:
    """Return the watercourse that an operator's document describes, elements sorted by name.

    Returns None once every fault of the document is noted at `place`.
    """
    form = checked(WatercourseForm, content, place)
    before = len(place.findings)
    reservoirs = _elements(content, "reservoirs", ReservoirForm, Reservoir, _reservoir, place)
    plants = _elements(content, "plants", PlantForm, Plant, _plant, place)
    gates = _elements(content, "gates", GateForm, Gate, _named, place)
    rivers = _elements(content, "rivers", RiverForm, River, _named, place)
    # Elements with faults take part by name, so that what is wrong between them shows as well.
    frame = Watercourse.model_construct(
        name=Identifier("frame"),
        reservoirs=reservoirs,
        plants=plants,
        gates=gates,
        rivers=rivers,
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


def _references(name: str, fields: Any) -> dict[str, Any]:
    known = fields if isinstance(fields, dict) else {}
    ways = {key: known.get(key) for key in ("reservoir", "to")}
    named = {key: way if isinstance(way, str) else None for key, way in ways.items()}
    return {"name": name, **named, "units": (), "pumps": ()}


def _named(name: str, form: BaseModel, _place: Place) -> dict[str, Any]:
    return {"name": name, **form.model_dump()}


def _reservoir(name: str, form: ReservoirForm, place: Place) -> dict[str, Any] | None:
    if form.volume_min >= form.volume_max:
        (place / "volume_min").refuse(form.volume_min, f"below volume_max, {form.volume_max:g}")
        return None
    if not _level_is_sound(form.level, place / "level"):
        return None
    start = _start_volume(form, place)
    if start is None:
        return None
    return {
        "name": name,
        **form.model_dump(exclude={"level", "start_level", "start_volume"}),
        "level": {"x": form.level.volume, "y": form.level.level},
        "start_volume": start,
    }


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
        start = rounded(np.interp(level, curve.level, curve.volume), WATER_DECIMALS)
        return start if sound else None
    stated = "nothing" if level is None else "start_level and start_volume"
    (place / "start_level").refuse(stated, "one of the two: start_level in m, start_volume in Mm3")
    return None


def _plant(name: str, form: PlantForm, place: Place) -> dict[str, Any] | None:
    before = len(place.findings)
    units = [
        _unit(unit, fields, len(form.penstock_loss), place / "units" / unit)
        for unit, fields in sorted(form.units.items())
    ]
    pumps = [
        _pump(pump, fields, place / "pumps" / pump) for pump, fields in sorted(form.pumps.items())
    ]
    if len(place.findings) > before:
        return None
    return {
        "name": name,
        **form.model_dump(exclude={"units", "pumps"}),
        "units": units,
        "pumps": pumps,
    }


def _unit(name: str, form: UnitForm, penstocks: int, place: Place) -> dict[str, Any]:
    if form.penstock > penstocks:
        expected = f"1 to {penstocks}: penstock_loss has {penstocks} of them"
        (place / "penstock").refuse(form.penstock, expected)
    if form.power_min > form.power_max:
        (place / "power_min").refuse(form.power_min, f"at most power_max, {form.power_max:g}")
    rising([curve.head for curve in form.turbine], place / "turbine", "head")
    turbine = [
        _turbine(curve, place / "turbine" / index) for index, curve in enumerate(form.turbine)
    ]
    generator = _generator(form.generator, place / "generator") if form.generator else None
    return {
        "name": name,
        **form.model_dump(exclude={"turbine", "generator"}),
        "turbine": turbine,
        "generator_efficiency": generator,
    }


def _turbine(form: TurbineForm, place: Place) -> dict[str, Any]:
    efficiency = _efficiencies(form.efficiency_percent, form.efficiency, place)
    paired(form.flow, efficiency, place / "flow", "efficiencies")
    rising(form.flow, place / "flow")
    return {"head": form.head, "flow": form.flow, "efficiency": efficiency}


def _generator(form: GeneratorForm, place: Place) -> dict[str, Any]:
    efficiency = _efficiencies(form.efficiency_percent, form.efficiency, place)
    paired(form.power, efficiency, place / "power", "efficiencies")
    rising(form.power, place / "power")
    return {"x": form.power, "y": efficiency}


def _pump(name: str, form: PumpForm, place: Place) -> dict[str, Any]:
    percents = None if form.efficiency_percent is None else [form.efficiency_percent]
    fractions = None if form.efficiency is None else [form.efficiency]
    efficiency = _efficiencies(percents, fractions, place)
    stated = efficiency[0] if efficiency else None
    return {"name": name, "power_max": form.power_max, "efficiency": stated}


def _efficiencies(
    percents: Sequence[float] | None, fractions: Sequence[float] | None, place: Place
) -> Sequence[float] | None:
    """Return fractions from the one of two fields that is filled in; note where not just one is."""
    if percents is not None and fractions is None:
        return [rounded(percent / 100, EFFICIENCY_DECIMALS) for percent in percents]
    if percents is None and fractions is not None:
        return fractions
    stated = "nothing" if percents is None else "efficiency_percent and efficiency"
    expected = "one of the two: efficiency_percent, or efficiency as fractions"
    (place / "efficiency_percent").refuse(stated, expected)
    return None
