"""The forms that operators fill in, version 2: `client.yaml`, a market and a watercourse.

A form says which fields there are, of which kind and within which sane range; what fields say of
each other is checked where they are mapped. Units are the domain's: Mm3, m3/s, m, MW, and prices in
the market's currency. Numbers are numbers, never text that looks like one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from hydrobid.domain.approval import ApprovalMode, OnSilence
from hydrobid.domain.configuration import OWN_SOLVER, CoveragePolicy, Fallback
from hydrobid.domain.identifiers import (
    AssetId,
    ClientId,
    Identifier,
    MarketId,
    Portfolio,
    PriceArea,
)
from hydrobid.domain.methods import Method, MultiScenario
from hydrobid.domain.planning_horizon import PlanningHorizon
from hydrobid.domain.stages import Stages

MAX_PRICE = 100_000.0
MAX_ELEMENTS = 2000
MAX_ASSETS = 500
MAX_SCENARIO_SETS = 50


@dataclass(frozen=True)
class Unit:
    """What a number counts, told as `unit` in a JSON Schema; `currency` is the market's."""

    name: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "unit": self.name}


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
Volume = Annotated[Number, Field(ge=0, le=1e6), Unit("Mm3")]
Level = Annotated[Number, Field(ge=-1000, le=10_000), Unit("m")]
Head = Annotated[Number, Field(gt=0, le=5000), Unit("m")]
Flow = Annotated[Number, Field(ge=0, le=1e5), Unit("m3/s")]
Ramp = Annotated[Number, Field(gt=0, le=1e5), Unit("m3/s/h")]
Power = Annotated[Number, Field(ge=0, le=1e5), Unit("MW")]
Loss = Annotated[Number, Field(ge=0, le=1000), Unit("m*s^2/m3^2")]
# A fraction typed into a field of percent lies below 1, so 1 is where the percents begin.
Percent = Annotated[Number, Field(gt=1, le=100), Unit("%")]
Fraction = Annotated[Number, Field(gt=0, le=1), Unit("1")]
Money = Annotated[Number, Field(ge=-1e9, le=1e9)]
WaterValue = Annotated[Money, Unit("currency/Mm3")]
Cost = Annotated[Number, Field(ge=0, le=1e9), Unit("currency")]
Price = Annotated[Number, Field(ge=-MAX_PRICE, le=MAX_PRICE), Unit("currency/MWh")]
Probability = Annotated[Number, Field(gt=0, le=1)]
Minutes = Annotated[Whole, Field(ge=0, le=43_200), Unit("min")]
Text = Annotated[str, Field(max_length=2000)]
Elements = Annotated[dict[str, Any], Field(max_length=MAX_ELEMENTS)]
FileName = Annotated[str, Field(min_length=1, max_length=300)]


class Form(BaseModel):
    """A group of fields; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChecksForm(Form):
    """What is looked at before a bid is approved, beside what always is."""

    price_floor: Price | None = None
    sold_below_floor: Power = 0.0
    change: Annotated[Number, Field(gt=0, le=2)] = 0.5


class ClientForm(Form):
    """`client.yaml`; its assets, scenario sets and market have forms of their own.

    horizon: what is solved with the delivery day; without it the day stands by itself. bids: false for a client of backtests only, which no local cloud runs and no day is bid for.
    """

    version: Literal[2]
    client: ClientId
    bids: Annotated[bool, Field(strict=True)] = True
    description: Text = ""
    market: Any
    portfolio: Portfolio
    stages: Stages = Stages()
    approval: ApprovalMode = ApprovalMode.AUTOMATIC
    on_silence: OnSilence = OnSilence.WITHHOLD
    checks: ChecksForm = ChecksForm()
    horizon: PlanningHorizon | None = None
    assets: Annotated[list[Any], Field(min_length=1, max_length=MAX_ASSETS)]
    scenario_sets: Annotated[
        dict[Identifier, Any], Field(min_length=1, max_length=MAX_SCENARIO_SETS)
    ]


class AssetForm(Form):
    """One of a client's assets; `watercourse` is a file in the client's folder.

    solver: a name that the deployment knows, so what is run is never the document's to say.
    """

    asset: AssetId
    price_area: PriceArea
    method: Method = MultiScenario()
    scenario_set: Identifier
    scenario_seconds: Annotated[Number, Field(gt=0, le=1800), Unit("s")] = 30.0
    solver: Identifier = OWN_SOLVER
    coverage: CoveragePolicy = CoveragePolicy()
    fallback: frozenset[Fallback] = frozenset(Fallback)
    watercourse: FileName


class ScenarioSetForm(Form):
    """A file of price scenarios; probabilities by scenario where the file has no column of them.

    inflows: a file of the same scenarios' inflows to reservoirs.
    """

    file: FileName
    inflows: FileName | None = None
    probabilities: dict[str, Probability] | None = None


class GateClosureForm(Form):
    """When an auction stops taking orders."""

    local_time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    days_before: Annotated[Whole, Field(ge=0, le=30)] = 1


class BlockRulesForm(Form):
    """What a market takes of block orders."""

    volume_max: Annotated[Number, Field(gt=0, le=1e5), Unit("MW")] = 900.0
    mtus_min: Annotated[Whole, Field(ge=1, le=100)] = 1
    orders_max: Annotated[Whole, Field(ge=1, le=10_000)] | None = None
    group_max: Annotated[Whole, Field(ge=1, le=10_000)] | None = None


class ReserveForm(Form):
    """A reserve as ENTSO-E's bid documents name it: EIC codes of who bids to whom, and ENTSO-E's codes."""

    sender: Text
    receiver: Text = "10X1001A1001A264"
    domain: Text = "10YFI-1--------U"
    auction: Text = "FCR"
    document: Text = "A24"
    process: Text = "A52"
    business: Text = "C26"
    direction: Text = "A03"
    agreement: Text = "A13"
    currency: Text = "EUR"
    bid_max: Annotated[Number, Field(gt=0, le=1e5), Unit("MW")] = 5.0
    bids_max: Annotated[Whole, Field(ge=1, le=100_000)] = 2000


class MarketForm(Form):
    """A market's rules, as `markets/nordic.yaml` has them."""

    id: MarketId
    time_zone: str
    mtu_minutes: Literal[15, 30, 60]
    gate_closure: GateClosureForm
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    price_min: Price
    price_max: Price
    price_tick: Annotated[Number, Field(gt=0, le=1000), Unit("currency/MWh")]
    volume_lot: Annotated[Number, Field(gt=0, le=1000), Unit("MW")]
    max_points: Annotated[Whole, Field(ge=2, le=10_000)]
    interpolation: Literal["linear", "step"] = "linear"
    blocks: BlockRulesForm | None = BlockRulesForm()
    reserve: ReserveForm | None = None
    price_areas: Annotated[list[PriceArea], Field(min_length=1, max_length=1000)]


class WatercourseForm(Form):
    """A watercourse; the elements are mappings by name and have forms of their own."""

    version: Literal[2]
    watercourse: Identifier
    source: Text | None = None
    reservoirs: Annotated[Elements, Field(min_length=1)]
    plants: Annotated[Elements, Field(min_length=1)]
    gates: Elements = {}
    rivers: Elements = {}
    cuts: Annotated[list[Any], Field(max_length=MAX_ELEMENTS)] = []
    conditions: Any = None


class LevelForm(Form):
    """Water level (m) over stored volume (Mm3)."""

    volume: Annotated[list[Volume], Field(min_length=2)]
    level: Annotated[list[Level], Field(min_length=2)]


class OverflowForm(Form):
    """Flow (m3/s) over water level (m) of what leaves by itself; without `to`, to the sea."""

    to: str | None = None
    level: Annotated[list[Level], Field(min_length=2)]
    flow: Annotated[list[Flow], Field(min_length=2)]


class SoftLimitForm(Form):
    """A volume that may be passed. penalty: currency per Mm3 and hour."""

    volume: Volume
    penalty: Annotated[Number, Field(gt=0, le=1e9), Unit("currency/Mm3/h")]


class WaterValueSegmentForm(Form):
    """What the water in a part of the stored volume is worth, currency per Mm3."""

    width: Annotated[Volume, Field(gt=0)]
    water_value: WaterValue


class ReservoirForm(Form):
    """A reservoir that starts at a level or at a volume. water_value: currency per Mm3."""

    volume_min: Volume = 0.0
    volume_max: Annotated[Volume, Field(gt=0)]
    level: LevelForm
    start_level: Level | None = None
    start_volume: Volume | None = None
    inflow: Flow = 0.0
    water_value: WaterValue | None = None
    water_value_segments: Annotated[list[WaterValueSegmentForm], Field(max_length=1000)] = []
    volume_soft_min: SoftLimitForm | None = None
    volume_soft_max: SoftLimitForm | None = None
    overflow: OverflowForm | None = None


class TurbineForm(Form):
    """Efficiency over flow (m3/s) at one net head, in percent or as fractions."""

    head: Head
    flow: Annotated[list[Annotated[Flow, Field(gt=0)]], Field(min_length=1)]
    efficiency_percent: list[Percent] | None = None
    efficiency: list[Fraction] | None = None


class GeneratorForm(Form):
    """Efficiency over power (MW), in percent or as fractions."""

    power: Annotated[list[Power], Field(min_length=2)]
    efficiency_percent: list[Percent] | None = None
    efficiency: list[Fraction] | None = None


class ForbiddenZoneForm(Form):
    """Powers (MW) between which a unit may not stay."""

    power_from: Power
    power_to: Annotated[Power, Field(gt=0)]


class UnitForm(Form):
    """A generating unit on one of its plant's penstocks, counted from 1; times in minutes."""

    penstock: Annotated[Whole, Field(ge=1)] = 1
    power_min: Power = 0.0
    power_max: Annotated[Power, Field(gt=0)]
    turbine: Annotated[list[TurbineForm], Field(min_length=1)]
    generator: GeneratorForm | None = None
    start_cost: Cost = 0.0
    stop_cost: Cost = 0.0
    up_time_min: Minutes = 0
    down_time_min: Minutes = 0
    forbidden_zones: Annotated[list[ForbiddenZoneForm], Field(max_length=100)] = []


class PumpForm(Form):
    """A pump from where its plant discharges up to the plant's reservoir."""

    power_max: Annotated[Power, Field(gt=0)]
    power_min: Power = 0.0
    efficiency_percent: Percent | None = None
    efficiency: Fraction | None = None
    curves: Annotated[list[TurbineForm], Field(max_length=100)] = []
    penstock: Annotated[Whole, Field(ge=1)] | None = None
    start_cost: Cost = 0.0


class PlantForm(Form):
    """A plant between a reservoir and what it discharges to; without `to`, the sea."""

    reservoir: str
    to: str | None = None
    outlet_level: Level
    main_loss: Loss = 0.0
    penstock_loss: Annotated[list[Loss], Field(min_length=1)] = [0.0]
    units: Annotated[dict[Identifier, UnitForm], Field(min_length=1, max_length=100)]
    pumps: Annotated[dict[Identifier, PumpForm], Field(max_length=100)] = {}
    discharge_min: Flow = 0.0
    discharge_max: Annotated[Flow, Field(gt=0)] | None = None
    ramp_up: Ramp | None = None
    ramp_down: Ramp | None = None


class GateForm(Form):
    """Water past the plants; without `flow_max` as much as comes."""

    reservoir: str
    to: str | None = None
    flow_min: Flow = 0.0
    flow_max: Annotated[Flow, Field(gt=0)] | None = None
    ramp_up: Ramp | None = None
    ramp_down: Ramp | None = None


class RiverForm(Form):
    """A reach with its delay."""

    to: str | None = None
    delay_minutes: Minutes


class CutForm(Form):
    """A bound on what the water left is worth: constant + slopes (currency per Mm3) x volumes."""

    constant: Annotated[Number, Field(ge=-1e12, le=1e12)]
    slopes: Annotated[dict[Identifier, WaterValue], Field(min_length=1, max_length=MAX_ELEMENTS)]
