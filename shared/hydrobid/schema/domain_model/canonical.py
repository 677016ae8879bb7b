"""What an operator's model is mapped to: the kinds of canonical elements, their fields and units.

The kinds are those of `client.yaml` and of a watercourse's document; their forms say which fields
there are. What holds for a while only is stated with an element as well, under `conditions.`, and a
time series may stand there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, Field

from hydrobid.schema.domain_model.leaves import Leaf, leaves_of
from hydrobid.schema.forms import (
    AssetForm,
    CutForm,
    Form,
    GateForm,
    MarketForm,
    PlantForm,
    PumpForm,
    ReservoirForm,
    RiverForm,
    ScenarioSetForm,
    Text,
    UnitForm,
)

CONDITIONS = "conditions."


class WatercourseFrameForm(Form):
    """A watercourse without its elements; `cuts` value the water left in its reservoirs together."""

    source: Text | None = None
    cuts: list[CutForm] = Field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """A kind of canonical element.

    section: where the document of what it is in holds it. within: the kind that it is in, None for
    the client itself. conditions: what may be stated of it for a while, as `conditions.PATH`, with
    its unit.
    """

    name: str
    form: type[BaseModel]
    section: str
    within: str | None
    conditions: Mapping[str, str | None]

    @cached_property
    def leaves(self) -> Mapping[str, Leaf]:
        """Every field by path, as `level.volume` and `conditions.limits.volume_max`."""
        stated = {
            f"{CONDITIONS}{path}": Leaf("any", unit) for path, unit in self.conditions.items()
        }
        return leaves_of(self.form.model_json_schema()) | stated

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the kind's fields."""
        return self.form.model_json_schema()


_TRADE = {
    "trade.obligation": "MW",
    "trade.sale_max": "MW",
    "trade.purchase_max": "MW",
    "trade.purchase_markup": "currency/MWh",
}
_RESERVE = {"reserve_up": "MW", "reserve_down": "MW"}
_MACHINE = {
    "limits.power_min": "MW",
    "limits.power_max": "MW",
    "maintenance": None,
    "machines.on": None,
    "machines.hours": "h",
}

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("market", MarketForm, "market", None, {}),
        Kind("asset", AssetForm, "assets", None, {}),
        Kind("scenario_set", ScenarioSetForm, "scenario_sets", None, {}),
        Kind("watercourse", WatercourseFrameForm, "", None, _TRADE),
        Kind(
            "reservoir",
            ReservoirForm,
            "reservoirs",
            "watercourse",
            {"inflow": "m3/s", "limits.volume_min": "Mm3", "limits.volume_max": "Mm3"},
        ),
        Kind(
            "plant",
            PlantForm,
            "plants",
            "watercourse",
            {"limits.discharge_min": "m3/s", "limits.discharge_max": "m3/s", "flow": "m3/s"}
            | _RESERVE,
        ),
        Kind("unit", UnitForm, "units", "plant", _MACHINE | _RESERVE),
        Kind("pump", PumpForm, "pumps", "plant", _MACHINE),
        Kind(
            "gate",
            GateForm,
            "gates",
            "watercourse",
            {"limits.gate_flow_min": "m3/s", "limits.gate_flow_max": "m3/s", "flow": "m3/s"},
        ),
        Kind("river", RiverForm, "rivers", "watercourse", {}),
    )
}
