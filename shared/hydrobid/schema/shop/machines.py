"""SHOP's generators and pumps to units and pumps: curves, efficiencies and limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrobid.domain.canonical import rounded
from hydrobid.hydro.physics import POWER_OF_WATER
from hydrobid.schema.findings import Place
from hydrobid.schema.points import paired, rising
from hydrobid.schema.shop.forms import (
    EfficiencyTableForm,
    GeneratorForm,
    MachineForm,
    PumpForm,
    TurbineTableForm,
)
from hydrobid.schema.shop.objects import Objects

EFFICIENCY_DECIMALS = 9


def unit_of(name: str, form: GeneratorForm, objects: Objects) -> dict[str, Any]:
    """Return a unit as the domain's fields, once every fault is noted."""
    place = objects.at("generator", name)
    return {
        **_machine("generator", name, form, objects),
        "turbine": _turbine(form.turb_eff_curves, place / "turb_eff_curves"),
        "generator_efficiency": _generator(form.gen_eff_curve, place / "gen_eff_curve"),
        "stop_cost": objects.constant("generator", name, "stopcost") or 0.0,
    }


def pump_of(name: str, form: PumpForm, objects: Objects) -> dict[str, Any]:
    """Return a pump; its motor's efficiency at p_max is made part of its curves.

    One with a single flow at each head draws what its curves say, whatever its limits: they
    would leave it no head at which it could run.
    """
    place = objects.at("pump", name)
    motor = _generator(form.gen_eff_curve, place / "gen_eff_curve")
    factor = 1.0
    if motor is not None:
        factor = float(np.interp(form.p_max, motor["x"], motor["y"]))
        if len(set(motor["y"])) > 1:
            objects.ignore("pump", name, "gen_eff_curve below p_max")
    curves = _turbine(form.turb_eff_curves, place / "turb_eff_curves", factor)
    pump = _machine("pump", name, form, objects) | {
        "curves": curves,
        "efficiency": max(value for curve in curves for value in curve["efficiency"]),
    }
    if all(len(curve["flow"]) == 1 for curve in curves):
        objects.ignore("pump", name, "p_min")
        objects.ignore("pump", name, "p_max")
        drawn = max(curve["flow"][0] * curve["head"] / curve["efficiency"][0] for curve in curves)
        pump |= {"power_min": 0.0, "power_max": POWER_OF_WATER * drawn}
    return pump


def _machine(kind: str, name: str, form: MachineForm, objects: Objects) -> dict[str, Any]:
    return {
        "name": name,
        "penstock": form.penstock,
        "power_min": form.p_min,
        "power_max": form.p_max,
        "start_cost": objects.constant(kind, name, "startcost") or 0.0,
    }


def _turbine(
    tables: Sequence[TurbineTableForm], place: Place, factor: float = 1.0
) -> list[dict[str, Any]]:
    rising([table.ref for table in tables], place, "ref")
    for index, table in enumerate(tables):
        paired(table.y, table.x, place / index / "y", "flows")
        rising(table.x, place / index / "x")
    return [
        {"head": table.ref, "flow": table.x, "efficiency": _fractions(table.y, factor)}
        for table in tables
    ]


def _generator(table: EfficiencyTableForm | None, place: Place) -> dict[str, Any] | None:
    if table is None:
        return None
    paired(table.y, table.x, place / "y", "powers")
    rising(table.x, place / "x")
    powers = [*table.x, table.x[0] + 1.0] if len(table.x) == 1 else table.x
    percents = [*table.y, table.y[0]] if len(table.x) == 1 else table.y
    return {"x": powers, "y": _fractions(percents)}


def _fractions(percents: Sequence[float], factor: float = 1.0) -> list[float]:
    return [rounded(percent / 100 * factor, EFFICIENCY_DECIMALS) for percent in percents]
