"""What SHOP says of the water left, turned into currency per Mm3 for each reservoir.

SHOP takes a value in one of four ways (its page "Water value descriptions"), and so do we:

energy_value_input: currency per MWh, of the water's way through the first plant below the
reservoir. It is turned into currency per Mm3 by that plant's energy at its best point, at the head
of the start, and the value of the reservoir into which the plant discharges is added:

    water value = energy value x E + water value below
    E [MWh/Mm3] = 9.81e-3 x efficiency x net head / 0.0036

Best point: where the efficiency of turbine and generator is highest among the points of all the
plant's units, each running alone, so that only its own flow makes it lose head. This reproduces the
energy_conversion_factor of both reservoirs of SHOP's standard example in all its digits. Of several
plants that a reservoir feeds, the one that makes the most of a Mm3 counts.

water_value_input: one point: a constant, currency per Mm3. A table: values of the volume from each
point on. It goes before an energy value. With a cut group: the slopes of its cuts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hydrobid.domain.canonical import WATER_DECIMALS, rounded
from hydrobid.domain.watercourse import Plant, Reservoir, Watercourse
from hydrobid.hydro.physics import POWER_OF_WATER, efficiency, gross_head
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.schema.findings import Place
from hydrobid.schema.points import paired, rising
from hydrobid.schema.shop.connections import Connections
from hydrobid.schema.shop.forms import TableForm
from hydrobid.schema.shop.objects import Objects


@dataclass(frozen=True)
class WaterValues:
    """The values of the water in a watercourse whose reservoirs have none yet."""

    watercourse: Watercourse
    objects: Objects
    connections: Connections

    def fields(self, name: str) -> dict[str, Any]:
        """Return a reservoir's fields of worth, once every fault of them is noted."""
        table = self._table(name)
        if table is None or len(table.x) == 1 or self._in_cuts(name):
            return {"water_value": self._value(name)}
        reservoir = self._reservoirs[name]
        widths = [*np.diff(table.x), max(reservoir.volume_max - table.x[-1], 1.0)]
        widths[0] += table.x[0]
        return {
            "water_value": table.y[0],
            "water_value_segments": [
                {"width": rounded(width, WATER_DECIMALS), "water_value": value}
                for width, value in zip(widths, table.y, strict=True)
            ],
        }

    def cuts(self) -> list[dict[str, Any]]:
        """Return the cuts of the one cut group that there may be."""
        groups = list(self.objects.cut_groups.items())
        for name, _ in groups[1:]:
            expected = "one cut group: a watercourse's water is valued once"
            self.objects.at("cut_group", name).refuse(name, expected)
        if not groups:
            return []
        name, group = groups[0]
        constants = self._one_table(group.rhs, self.objects.at("cut_group", name, "rhs"))
        slopes = {
            reservoir.name: self._cut_table(name, reservoir.name, constants)
            for reservoir in self.connections.below("cut_group", name, "reservoir")
        }
        if constants is None or None in slopes.values():
            return []
        known = {reservoir: table for reservoir, table in slopes.items() if table is not None}
        outside = self._outside(known)
        return [
            {
                "constant": constant - sum(t.y[k] * t.x[k] for t in known.values()),
                "slopes": {reservoir: table.y[k] for reservoir, table in known.items()} | outside,
            }
            for k, constant in enumerate(constants.y)
        ]

    def _outside(self, inside: Mapping[str, TableForm]) -> dict[str, float]:
        """Return the values of reservoirs outside the cuts: a slope that all cuts have alike."""
        outside = {}
        for name in self._reservoirs:
            if name in inside:
                self.objects.ignore_stated("reservoir", name, "energy_value_input")
                continue
            table = self._table(name)
            if table is not None and len(table.x) > 1:
                place = self.objects.at("reservoir", name, "water_value_input")
                place.refuse(f"{len(table.x)} points", "one point, beside a cut group")
            outside[name] = self._value(name)
        return outside

    def _cut_table(self, group: str, name: str, constants: TableForm | None) -> TableForm | None:
        """Return a reservoir's reference volumes and slopes, as many as there are constants."""
        form = self.objects.reservoirs.get(name)
        place = self.objects.at("reservoir", name, "water_value_input")
        if form is None or form.water_value_input is None:
            place.refuse(None, f"the slopes of the cuts of {group}")
            return None
        table = self._one_table(form.water_value_input, place)
        if table is None or constants is None:
            return None
        sound = paired(table.y, constants.y, place / 0 / "y", f"constants in {group}")
        return table if sound else None

    def _in_cuts(self, name: str) -> bool:
        return bool(self.connections.above("reservoir", name, "cut_group"))

    def _table(self, name: str) -> TableForm | None:
        """Return the table of a reservoir's water values, None where it has none or a faulty one."""
        form = self.objects.reservoirs[name]
        if form.water_value_input is None or self._in_cuts(name):
            return None
        place = self.objects.at("reservoir", name, "water_value_input")
        table = self._one_table(form.water_value_input, place)
        if table is not None and form.energy_value_input is not None:
            self.objects.ignore("reservoir", name, "energy_value_input")
        sound = table is not None and rising(table.x, place / 0 / "x")
        return table if sound else None

    def _one_table(self, tables: list[TableForm], place: Place) -> TableForm | None:
        if len(tables) > 1:
            place.refuse(f"{len(tables)} tables", "one table: values by price are not understood")
            return None
        table = tables[0]
        if not table.y:
            (place / 0 / "y").refuse("no values", "at least one of them")
            return None
        return table if paired(table.y, table.x, place / 0 / "y", "x") else None

    def _value(self, name: str) -> float:
        """Return what a Mm3 is worth at the reservoir's start; ways down never lead back up."""
        form = self.objects.reservoirs[name]
        table = self._table(name)
        if table is not None:
            start = self._reservoirs[name].start_volume
            return table.y[max(int(np.searchsorted(table.x, start, side="right")) - 1, 0)]
        if form.energy_value_input is None:
            return 0.0
        plants = self._plants_below(name)
        if not plants:
            place = self.objects.at("reservoir", name, "energy_value_input")
            place.refuse(form.energy_value_input, "a plant somewhere below the reservoir")
            return 0.0
        energy, plant = max(((self._energy(p), p) for p in plants), key=lambda pair: pair[0])
        lower, _ = self.watercourse.downstream(plant.to)
        return form.energy_value_input * energy + (self._value(lower) if lower else 0.0)

    @cached_property
    def _reservoirs(self) -> Mapping[str, Reservoir]:
        return {reservoir.name: reservoir for reservoir in self.watercourse.reservoirs}

    def _plants_below(self, name: str) -> list[Plant]:
        """Return the plants that a reservoir feeds, or the first that its gates' water comes to."""
        waiting, seen = [name], {name}
        while waiting:
            at = waiting.pop(0)
            plants = [plant for plant in self.watercourse.plants if plant.reservoir == at]
            if plants:
                return plants
            ways = [gate.to for gate in self.watercourse.gates if gate.reservoir == at]
            lower = (self.watercourse.downstream(way)[0] for way in ways)
            new = sorted({reservoir for reservoir in lower if reservoir} - seen)
            waiting += new
            seen |= set(new)
        return []

    def _energy(self, plant: Plant) -> float:
        """Return the MWh that a plant makes of a Mm3 at its best point and its start's head."""
        upper = self._reservoirs[plant.reservoir]
        lower = None if plant.to is None else self._reservoirs.get(plant.to)
        at = [upper, lower] if lower is not None else [upper]
        volumes = [np.array(reservoir.start_volume) for reservoir in at]
        head = float(gross_head(plant, upper, lower, *volumes))
        best = (0.0, 0.0)
        for unit in plant.units:
            flow = np.unique(np.concatenate([curve.flow for curve in unit.turbine]))
            loss = plant.main_loss + plant.penstock_loss[unit.penstock - 1]
            net = np.maximum(head - loss * flow**2, 0.0)
            share = efficiency(unit.turbine, flow, net)
            if unit.generator_efficiency is not None:
                power = POWER_OF_WATER * share * flow * net
                curve = unit.generator_efficiency
                share = share * np.interp(power, curve.x, curve.y)
            top = int(np.argmax(share))
            energy = POWER_OF_WATER * share[top] * net[top] / WATER_OF_FLOW
            best = max(best, (float(share[top]), float(energy)))
        return best[1]


def with_values(
    watercourse: Watercourse, objects: Objects, connections: Connections
) -> dict[str, Any]:
    """Return the watercourse as a document with its water valued; faults are noted."""
    values = WaterValues(watercourse, objects, connections)
    document = watercourse.to_document()
    document["reservoirs"] = [
        {**fields, **values.fields(fields["name"])} for fields in document["reservoirs"]
    ]
    document["cuts"] = values.cuts()
    return document
