"""The forms of SHOP's objects: the attributes that are understood, by SHOP's own names and units.

The source is SINTEF's SHOP documentation (objects and their attributes). Attributes without a field
here are no fault: they are listed as ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hydrobid.schema.forms import (
    Flow,
    Level,
    Loss,
    Number,
    Percent,
    Power,
    Price,
    Volume,
    Whole,
)

MAX_OBJECTS = 2000
MAX_CONNECTIONS = 20_000

MAX_DELAY_MINUTES = 43_200
LARGEST = 1e12

# SHOP's txy: a value from each time on.
Amount = Annotated[Number, Field(ge=-LARGEST, le=LARGEST)]
Series = Annotated[dict[str, Amount], Field(min_length=1)]
NonNegativeSeries = Annotated[dict[str, Annotated[Amount, Field(ge=0)]], Field(min_length=1)]
PriceSeries = Annotated[dict[str, Price], Field(min_length=1)]
Delay = Annotated[Number, Field(ge=0, le=MAX_DELAY_MINUTES)]
Flags = Annotated[dict[str, Literal[0, 1]], Field(min_length=1)]


class ShopForm(BaseModel):
    """A group of attributes, others left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CaseForm(ShopForm):
    """A case in one document."""

    time: Any
    model: dict[str, Any]
    connections: Annotated[list[Any], Field(max_length=MAX_CONNECTIONS)]
    commands: list[str] = []


class TimeForm(ShopForm):
    """The optimisation's time: naive timestamps, and the length of periods in units of time."""

    starttime: str
    endtime: str
    timeunit: Literal["hour", "minute"]
    timeresolution: Annotated[
        dict[str, Annotated[Number, Field(gt=0, le=MAX_DELAY_MINUTES)]], Field(min_length=1)
    ] = {}


class ConnectionForm(ShopForm):
    """A directed connection between two objects; types where a name alone is not enough."""

    start: Annotated[str, Field(alias="from")]
    to: str
    from_type: str | None = None
    to_type: str | None = None
    connection_type: str | None = None
    order: Any = None  # it tells apart what flows into a junction, and nothing that is understood


class TableForm(ShopForm):
    """SHOP's xy: y over x at a reference value."""

    ref: Number = 0.0
    x: list[Number]
    y: list[Number]


class LevelTableForm(ShopForm):
    """Water level (m) over volume (Mm3)."""

    x: Annotated[list[Volume], Field(min_length=2)]
    y: Annotated[list[Level], Field(min_length=2)]


class OverflowTableForm(ShopForm):
    """Overflow (m3/s) over water level (m)."""

    x: Annotated[list[Level], Field(min_length=2)]
    y: Annotated[list[Flow], Field(min_length=2)]


class EfficiencyTableForm(ShopForm):
    """Efficiency (%) over power (MW)."""

    x: Annotated[list[Power], Field(min_length=1)]
    y: Annotated[list[Percent], Field(min_length=1)]


class TurbineTableForm(ShopForm):
    """Turbine efficiency (%) over flow (m3/s) at a head (m)."""

    ref: Annotated[Number, Field(gt=0, le=5000)]
    x: Annotated[list[Annotated[Flow, Field(gt=0)]], Field(min_length=1)]
    y: Annotated[list[Percent], Field(min_length=1)]


class ReservoirForm(ShopForm):
    """A reservoir; a constraint counts where its flag does not say 0."""

    max_vol: Annotated[Volume, Field(gt=0)]
    lrl: Level
    vol_head: LevelTableForm
    start_head: Level | None = None
    start_vol: Volume | None = None
    inflow: NonNegativeSeries | None = None
    flow_descr: OverflowTableForm | None = None
    energy_value_input: Price | None = None
    water_value_input: Annotated[list[TableForm], Field(min_length=1)] | None = None
    min_vol_constr: NonNegativeSeries | None = None
    min_vol_constr_flag: Flags | None = None
    max_vol_constr: NonNegativeSeries | None = None
    max_vol_constr_flag: Flags | None = None
    tactical_limit_min: NonNegativeSeries | None = None
    tactical_limit_min_flag: Flags | None = None
    tactical_cost_min: NonNegativeSeries | None = None
    tactical_limit_max: NonNegativeSeries | None = None
    tactical_limit_max_flag: Flags | None = None
    tactical_cost_max: NonNegativeSeries | None = None


class PlantForm(ShopForm):
    """A plant with one main tunnel."""

    outlet_line: Level
    main_loss: Annotated[list[Loss], Field(max_length=1)] = [0.0]
    penstock_loss: Annotated[list[Loss], Field(min_length=1)] = [0.0]
    time_delay: Delay = 0.0
    min_q_constr: NonNegativeSeries | None = None
    min_q_constr_flag: Flags | None = None
    max_q_constr: NonNegativeSeries | None = None
    max_q_constr_flag: Flags | None = None
    discharge_ramping_up: NonNegativeSeries | None = None
    discharge_ramping_down: NonNegativeSeries | None = None
    maintenance_flag: Flags | None = None


class MachineForm(ShopForm):
    """What generating units and pumps have in common."""

    penstock: Annotated[Whole, Field(ge=1)] = 1
    p_min: Power = 0.0
    p_max: Annotated[Power, Field(gt=0)]
    turb_eff_curves: Annotated[list[TurbineTableForm], Field(min_length=1)]
    gen_eff_curve: EfficiencyTableForm | None = None
    startcost: NonNegativeSeries | None = None
    initial_state: Literal[-1, 0, 1] = -1
    maintenance_flag: Flags | None = None


class GeneratorForm(MachineForm):
    """A generating unit."""

    stopcost: NonNegativeSeries | None = None
    min_p_constr: NonNegativeSeries | None = None
    min_p_constr_flag: Flags | None = None
    max_p_constr: NonNegativeSeries | None = None
    max_p_constr_flag: Flags | None = None


class PumpForm(MachineForm):
    """A pump."""


class GateForm(ShopForm):
    """A way of water past the plants."""

    max_discharge: Annotated[Number, Field(gt=0)] | None = None
    time_delay: Delay = 0.0
    min_flow: NonNegativeSeries | None = None
    min_flow_flag: Flags | None = None
    max_flow: NonNegativeSeries | None = None
    max_flow_flag: Flags | None = None
    ramping_up: NonNegativeSeries | None = None
    ramping_up_flag: Flags | None = None
    ramping_down: NonNegativeSeries | None = None
    ramping_down_flag: Flags | None = None


class RiverForm(ShopForm):
    """An open channel; limits on its flow count where it leaves a reservoir."""

    time_delay_const: Delay = 0.0
    min_flow: NonNegativeSeries | None = None
    max_flow: NonNegativeSeries | None = None
    ramping_up: NonNegativeSeries | None = None
    ramping_down: NonNegativeSeries | None = None


class MarketForm(ShopForm):
    """A market of energy."""

    market_type: Literal["ENERGY"] = "ENERGY"
    sale_price: PriceSeries
    buy_price: PriceSeries | None = None
    load: Series | None = None
    max_sale: NonNegativeSeries | None = None
    max_buy: NonNegativeSeries | None = None


class CutGroupForm(ShopForm):
    """The constants of cuts on the income that is still to come."""

    rhs: Annotated[list[TableForm], Field(min_length=1)]
