"""SHOP's objects to the elements of a watercourse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import WATER_DECIMALS, rounded
from hydrobid.domain.watercourse import Gate, Plant, Reservoir, River
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place
from hydrobid.schema.points import paired, rising, within
from hydrobid.schema.shop.connections import Connections, Object
from hydrobid.schema.shop.forms import (
    MAX_DELAY_MINUTES,
    PlantForm,
    ReservoirForm,
)
from hydrobid.schema.shop.machines import pump_of, unit_of
from hydrobid.schema.shop.objects import Objects

WATERS = ("reservoir", "river")


@dataclass
class Elements:
    """Maps objects one by one; what has a fault is noted and left out.

    delay_unit: what a plant's or gate's time_delay counts.
    """

    objects: Objects
    connections: Connections
    delay_unit: timedelta

    def reservoirs(self) -> list[Reservoir]:
        """Return the reservoirs, their water still without value."""
        found = []
        for name, form in self.objects.reservoirs.items():
            document = self._reservoir(name, form)
            if document is not None:
                found += self._built(Reservoir, document, self.objects.at("reservoir", name))
        return found

    def plants(self) -> list[Plant]:
        """Return the plants with their units and pumps; what belongs to none is ignored."""
        for kind in ("generator", "pump"):
            for name in getattr(self.objects, f"{kind}s"):
                if not self.connections.below(kind, name, "plant"):
                    self.objects.ignore(kind, name)
        found = []
        for name, form in self.objects.plants.items():
            document = self._plant(name, form)
            if document is not None:
                found += self._built(Plant, document, self.objects.at("plant", name))
        return found

    def gates(self) -> list[Gate]:
        """Return the gates, and the way into each river that leaves a reservoir.

        A gate through which a reservoir overflows is that reservoir's overflow and no gate.
        """
        found = []
        for name, form in self.objects.gates.items():
            if self._is_overflow(name):
                self.objects.ignore_stated(
                    "gate", name, "max_discharge", "ramping_up", "ramping_down"
                )
                continue
            above = self._one_above("gate", name)
            if above is not None:
                document = {
                    "name": name,
                    "reservoir": above,
                    "to": self._to("gate", name),
                    "flow_max": form.max_discharge,
                    **self._ramps("gate", name, "ramping"),
                }
                found += self._built(Gate, document, self.objects.at("gate", name))
        for name in self.objects.rivers:
            sources = self.connections.above("river", name, "reservoir")
            if len(sources) != 1:
                self.objects.ignore_stated("river", name, "ramping_up", "ramping_down")
            for source in sources:
                own = name if len(sources) == 1 else f"{name}.{source}"
                ramps = self._ramps("river", name, "ramping") if own == name else {}
                document = {"name": own, "reservoir": source, "to": name, **ramps}
                found += self._built(Gate, document, self.objects.at("river", name))
        return found

    def rivers(self) -> list[River]:
        """Return the rivers, and one for each plant or gate whose water is under way for a while."""
        hour = timedelta(hours=1)
        delays = [
            ("river", name, name, form.time_delay_const * hour, "time_delay_const")
            for name, form in self.objects.rivers.items()
        ]
        for kind, forms in (("plant", self.objects.plants), ("gate", self.objects.gates)):
            delays += [
                (kind, name, _delayed(name), form.time_delay * self.delay_unit, "time_delay")
                for name, form in forms.items()
                if form.time_delay
            ]
        found = []
        for kind, name, own, delay, attribute in delays:
            minutes, rest = divmod(delay, timedelta(minutes=1))
            if rest or minutes > MAX_DELAY_MINUTES:
                expected = f"a delay of whole minutes, at most {MAX_DELAY_MINUTES}"
                self.objects.at(kind, name, attribute).refuse(str(delay), expected)
                continue
            below = self._below(kind, name)
            document = {"name": own, "to": below, "delay_minutes": minutes}
            found += self._built(River, document, self.objects.at(kind, name))
        return found

    def _built(self, element: type[Any], document: dict[str, Any], place: Place) -> list[Any]:
        built: Value | None = checked(element, document, place)
        return [] if built is None else [built]

    def _reservoir(self, name: str, form: ReservoirForm) -> dict[str, Any] | None:
        place = self.objects.at("reservoir", name)
        table = form.vol_head
        sound = (
            paired(table.y, table.x, place / "vol_head" / "y", "volumes")
            & rising(table.x, place / "vol_head" / "x")
            & rising(table.y, place / "vol_head" / "y")
        )
        if not sound:
            return None
        if not table.y[0] <= form.lrl <= table.y[-1]:
            expected = f"a level of vol_head, {table.y[0]:g} to {table.y[-1]:g} m"
            (place / "lrl").refuse(form.lrl, expected)
            return None
        volume_min = rounded(np.interp(form.lrl, table.y, table.x), WATER_DECIMALS)
        start = _start_volume(form, (volume_min, form.max_vol), place)
        return (
            {
                "name": name,
                "volume_min": volume_min,
                "volume_max": form.max_vol,
                "level": {"x": table.x, "y": table.y},
                "start_volume": start,
                "water_value": 0.0,
                "overflow": self._overflow(name, form),
                "volume_soft_min": self._soft_limit(name, "min"),
                "volume_soft_max": self._soft_limit(name, "max"),
            }
            if start is not None
            else None
        )

    def _overflow(self, name: str, form: ReservoirForm) -> dict[str, Any] | None:
        if form.flow_descr is None:
            return None
        to = self._overflow_to(name)
        return {"to": to, "spill": {"x": form.flow_descr.x, "y": form.flow_descr.y}}

    def _overflow_to(self, name: str) -> str | None:
        """Return where a reservoir overflows to: the way of its spill gate, else of its plant."""
        ways = self.connections.below("reservoir", name, "gate", "plant")
        ways.sort(key=lambda way: (way.name not in self.connections.spills, way.kind != "gate"))
        return self._to(ways[0].kind, ways[0].name) if ways else None

    def _is_overflow(self, name: str) -> bool:
        if name not in self.connections.spills:
            return False
        return any(
            form.flow_descr is not None
            for above in self.connections.above("gate", name, "reservoir")
            if (form := self.objects.reservoirs.get(above)) is not None
        )

    def _plant(self, name: str, form: PlantForm) -> dict[str, Any] | None:
        above = self._one_above("plant", name)
        units = self.connections.above("plant", name, "generator")
        if not units:
            place = self.objects.at("plant", name)
            place.refuse("no generator", "a generator that is connected to it")
        forms = self.objects.generators
        pumps = self.connections.above("plant", name, "pump")
        if above is None or not units:
            return None
        return {
            "name": name,
            "reservoir": above,
            "to": self._to("plant", name),
            "outlet_level": form.outlet_line,
            "main_loss": form.main_loss[0] if form.main_loss else 0.0,
            "penstock_loss": form.penstock_loss,
            **self._ramps("plant", name, "discharge_ramping"),
            "units": [
                unit_of(unit, forms[unit], self.objects) for unit in sorted(units) if unit in forms
            ],
            "pumps": [
                pump_of(pump, self.objects.pumps[pump], self.objects)
                for pump in sorted(pumps)
                if pump in self.objects.pumps
            ],
        }

    def _ramps(self, kind: str, name: str, attribute: str) -> dict[str, float | None]:
        ways = ("up", "down")
        return {
            f"ramp_{way}": self.objects.lasting(kind, name, f"{attribute}_{way}") for way in ways
        }

    def _soft_limit(self, name: str, end: str) -> dict[str, float] | None:
        """Return a tactical limit with its cost; neither counts without the other."""
        limit = self.objects.lasting("reservoir", name, f"tactical_limit_{end}")
        cost = self.objects.lasting("reservoir", name, f"tactical_cost_{end}")
        if limit is not None and cost:
            return {"volume": limit, "penalty": cost}
        self.objects.ignore_stated(
            "reservoir", name, f"tactical_limit_{end}", f"tactical_cost_{end}"
        )
        return None

    def _one_above(self, kind: str, name: str) -> str | None:
        above = self.connections.above(kind, name, "reservoir")
        if len(above) == 1:
            return above[0]
        stated = ", ".join(above) or "nothing connected"
        expected = "a connection from one reservoir"
        if len(above) > 1:
            expected += ": reservoirs that share a tunnel have no counterpart"
        self.objects.at(kind, name).refuse(stated, expected)
        return None

    def _to(self, kind: str, name: str) -> str | None:
        """Return where an object's water goes first: its own delay, or what lies below."""
        form = getattr(self.objects, f"{kind}s").get(name)
        return _delayed(name) if form is not None and form.time_delay else self._below(kind, name)

    def _below(self, kind: str, name: str) -> str | None:
        below: Sequence[Object] = self.connections.below(kind, name, *WATERS)
        if len(below) > 1:
            stated = ", ".join(other.name for other in below)
            self.objects.at(kind, name).refuse(stated, "a connection to one reservoir or river")
        return below[0].name if below else None


def _delayed(name: str) -> str:
    return f"{name}.delay"


def _start_volume(form: ReservoirForm, limits: tuple[float, float], place: Place) -> float | None:
    table = form.vol_head
    if form.start_vol is not None:
        sound = within(form.start_vol, limits, "Mm3", place / "start_vol")
        return form.start_vol if sound else None
    if form.start_head is None:
        (place / "start_head").refuse(None, "start_head in m, or start_vol in Mm3")
        return None
    levels = np.interp(limits, table.x, table.y).tolist()
    sound = within(form.start_head, levels, "m", place / "start_head")
    volume = rounded(np.interp(form.start_head, table.y, table.x), WATER_DECIMALS)
    return volume if sound else None
