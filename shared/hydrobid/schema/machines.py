"""Units and pumps of an operator's document to the domain's: curves and efficiencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydrobid.domain.canonical import rounded
from hydrobid.schema.findings import Place
from hydrobid.schema.forms import GeneratorForm, PumpForm, TurbineForm, UnitForm
from hydrobid.schema.points import paired, rising

EFFICIENCY_DECIMALS = 9


def unit_of(name: str, form: UnitForm, penstocks: int, place: Place) -> dict[str, Any]:
    """Return a unit as the domain's fields, once every fault is noted. penstocks: how many."""
    _check_machine(form, penstocks, place)
    for index, zone in enumerate(form.forbidden_zones):
        if zone.power_from >= zone.power_to:
            at = place / "forbidden_zones" / index / "power_from"
            at.refuse(zone.power_from, f"below power_to, {zone.power_to:g}")
    generator = _generator(form.generator, place / "generator") if form.generator else None
    return {
        "name": name,
        **form.model_dump(exclude={"turbine", "generator"}),
        "turbine": _curves(form.turbine, place / "turbine"),
        "generator_efficiency": generator,
    }


def _check_machine(form: UnitForm | PumpForm, penstocks: int, place: Place) -> None:
    if form.penstock is not None and form.penstock > penstocks:
        expected = f"1 to {penstocks}: penstock_loss has {penstocks} of them"
        (place / "penstock").refuse(form.penstock, expected)
    if form.power_min > form.power_max:
        (place / "power_min").refuse(form.power_min, f"at most power_max, {form.power_max:g}")


def _curves(forms: Sequence[TurbineForm], place: Place) -> list[dict[str, Any]]:
    rising([curve.head for curve in forms], place, "head")
    return [_turbine(curve, place / index) for index, curve in enumerate(forms)]


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


def pump_of(name: str, form: PumpForm, penstocks: int, place: Place) -> dict[str, Any]:
    """Return a pump as the domain's fields, once every fault is noted. penstocks: how many."""
    _check_machine(form, penstocks, place)
    curves = _curves(form.curves, place / "curves")
    return {
        "name": name,
        **form.model_dump(exclude={"efficiency_percent", "efficiency", "curves"}),
        "efficiency": _pump_efficiency(form, curves, place),
        "curves": curves,
    }


def _pump_efficiency(
    form: PumpForm, curves: Sequence[dict[str, Any]], place: Place
) -> float | None:
    """Return the efficiency at any flow and head; the best of its curves where these state it."""
    stated = form.efficiency_percent is not None or form.efficiency is not None
    if curves and not stated:
        return max((e for curve in curves for e in curve["efficiency"] or ()), default=None)
    percents = None if form.efficiency_percent is None else [form.efficiency_percent]
    fractions = None if form.efficiency is None else [form.efficiency]
    efficiency = _efficiencies(percents, fractions, place)
    return efficiency[0] if efficiency else None


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
