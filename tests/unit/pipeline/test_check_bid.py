"""The checks of a bid: each names what is wrong, where, and what would be right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from approver import with_policy
from examples import CASCADE, CLIENTS, DAY, SINTEF, files_of, published
from scripted import AREA

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.plan import Plan
from hydrobid.domain.position import Sold
from hydrobid.domain.records import AssetRecord
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.available_energy import available_energy
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.pipeline import check_energy
from hydrobid.pipeline.check_bid import check_bid, market_findings
from hydrobid.pipeline.check_energy import Background, background_of
from hydrobid.pipeline.read_run import read_records
from hydrobid.schema import configuration_of, read_client

ENDS = (-5000, 40000)
"""The market's price limits in ticks."""


class Checked:
    """A run of the SINTEF example whose bid is checked again with something changed."""

    def __init__(self, pipeline: InProcessPipeline, **policy: object) -> None:
        view = pipeline.run(SINTEF, DAY)
        self.plan: Plan = view.plan
        self.assets: dict[str, AssetRecord] = read_records(pipeline.documents, view.plan).assets
        document = read_client(files_of(CLIENTS / SINTEF), SINTEF)
        self.configuration = configuration_of(with_policy(document, **policy).configuration)
        self.background = background_of(
            pipeline.documents, self.configuration, self.plan, PriceArea(AREA)
        )
        self.market = self.configuration.market

    def flat(self, lots: int) -> BidMatrix:
        """Return a bid that sells the same at every price."""
        grid = self.market.grid(DAY)
        curves = tuple(BidCurve(ENDS, (lots, lots)) for _ in range(len(grid)))
        return BidMatrix(
            PriceArea(AREA), grid, self.market.price_tick, self.market.volume_lot, curves
        )

    def codes(self, matrix: BidMatrix | None, background: Background | None = None) -> set[str]:
        """Return `severity CODE` of what is found."""
        found = check_bid(
            self.configuration,
            self.plan,
            PriceArea(AREA),
            matrix,
            self.assets,
            background or self.background,
        )
        assert all(finding.where.startswith((AREA, "shop")) and finding.rule for finding in found)
        return {f"{finding.severity} {finding.code}" for finding in found}


@pytest.fixture(scope="module")
def checked() -> Checked:
    inputs = read_client(files_of(CLIENTS / SINTEF), SINTEF)
    return Checked(published(inputs))


def test_check__a_bid_within_everything(checked):
    assert checked.codes(checked.flat(1000)) == set()


def test_check__no_bid(checked):
    assert checked.codes(None) == {"error NO_BID"}


@pytest.mark.parametrize(("field", "code"), [("tick", "TICKS"), ("lot", "LOTS")])
def test_check__another_tick_or_lot(checked, field, code):
    matrix = replace(checked.flat(100), **{field: Decimal("0.05")})

    assert f"error {code}" in checked.codes(matrix)


def test_check__price_limits(checked):
    curve = BidCurve((-4000, 40000), (0, 100))
    bid = checked.flat(100)

    found = list(market_findings(checked.market, DAY, replace(bid, curves=(curve,) * 96)))

    assert {finding.code for finding in found} == {"PRICE_LIMITS"}
    assert found[3].where == "NO2[3]"
    assert found[3].value == [-400.0, 4000.0]


def test_check__too_many_points(checked):
    ticks = (-5000, *range(0, 5 * checked.market.max_points, 5), 40000)
    curve = BidCurve(ticks, tuple(range(len(ticks))))
    bid = replace(checked.flat(0), curves=(curve,) * 96)

    assert "error POINTS" in checked.codes(bid)


@pytest.mark.parametrize(
    ("day", "mtus"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (DAY, 96)]
)
def test_check__one_curve_for_each_mtu_of_the_day(checked, day, mtus):
    grid = checked.market.grid(day)
    right = replace(checked.flat(0), grid=grid, curves=checked.flat(0).curves[:1] * mtus)
    short = replace(right, grid=replace(grid, count=mtus - 4), curves=right.curves[:-4])

    assert list(market_findings(checked.market, day, right)) == []
    (finding,) = market_findings(checked.market, day, short)
    assert (finding.code, finding.value, str(mtus) in finding.rule) == ("MTUS", mtus - 4, True)


@pytest.mark.parametrize("lots", [5860, -10])
def test_check__beyond_what_units_and_pumps_can_do(checked, lots):
    assert "error CAPACITY" in checked.codes(checked.flat(lots))


def test_check__price_floor():
    inputs = read_client(files_of(CLIENTS / SINTEF), SINTEF)
    floor = Checked(published(inputs), checks={"price_floor": 10.0, "sold_below_floor": 20.0})
    from_five = BidCurve((-5000, 49, 50, 40000), (0, 0, 1000, 1000))
    from_ten = BidCurve((-5000, 99, 100, 40000), (0, 0, 1000, 1000))

    assert "error PRICE_FLOOR" not in floor.codes(floor.flat(200))
    assert "error PRICE_FLOOR" in floor.codes(floor.flat(201))
    for curve, stops in ((from_five, True), (from_ten, False)):
        bid = replace(floor.flat(0), curves=(curve,) * 96)
        assert ("error PRICE_FLOOR" in floor.codes(bid)) is stops


def test_check__far_from_yesterdays_bid_is_told(checked):
    near, far = checked.flat(2000), checked.flat(5000)
    background = replace(checked.background, yesterday=checked.flat(1000))

    assert checked.codes(near, background) == set()
    assert checked.codes(far, background) == {"warning FAR_FROM_YESTERDAY"}
    assert checked.codes(far, replace(background, yesterday=checked.flat(4000))) == set()


def test_check__more_than_the_water(checked):
    """At one scenario's prices it is told; where it is what is expected, the bid stops."""
    water = checked.background.water
    lots = int(water / 24 * 10) + 1
    dear = BidCurve((-5000, 10_000, 10_001, 40000), (0, 0, lots, lots))
    prices = np.full((2, 96), 50.0)
    prices[1] = 2000.0
    unlikely = Background(water, prices, np.array([0.99, 0.01]))

    assert "error WATER" in checked.codes(checked.flat(lots))
    assert "warning WATER" in checked.codes(replace(checked.flat(0), curves=(dear,) * 96), unlikely)
    assert not {"error WATER", "warning WATER"} & checked.codes(checked.flat(lots - 2))


@pytest.mark.parametrize("client", [SINTEF, CASCADE])
def test_available_energy__no_schedule_makes_more(client):
    configuration = configuration_of(read_client(files_of(CLIENTS / client), client).configuration)
    grid = configuration.market.grid(DAY)
    prices = {"dear": np.full(len(grid), 3000.0)}
    for asset in configuration.assets:
        # Emptied by the end of the day: what is left is worth nothing.
        reservoirs = tuple(
            r.model_copy(update={"water_value": 0.0, "water_value_segments": ()})
            for r in asset.watercourse.reservoirs
        )
        river = asset.watercourse.model_copy(update={"reservoirs": reservoirs})
        ((_, schedule),) = solve_scenarios(river, grid, prices)
        made = float(schedule.net_power.sum()) * grid.hours

        assert 0 < made <= available_energy(river, len(grid) * grid.hours * 3600, {})


def test_water__what_is_sold_before_the_day_and_the_highest_inflow_count(checked):
    """With levels of half a day before, and a scenario that brings more water than is stated."""
    asset = checked.configuration.assets[0]
    grid = checked.market.grid(DAY)
    reservoir = asset.watercourse.reservoirs[-1].name
    ids, weights = (ScenarioId("a"), ScenarioId("b")), np.array([0.5, 0.5])
    prices = {PriceArea(AREA): np.zeros((2, 96))}
    inflow = np.full((2, 96), np.nan)
    plain = ScenarioSet(ids, weights, prices)
    inflow[1, :4] = 200.0
    wet = ScenarioSet(ids, weights, prices, inflows={reservoir: inflow})
    half = Sold(since=grid.start - timedelta(hours=12), volumes=(100.0,) * 48)
    hour = 3600.0

    assert check_energy._water_for(asset, grid, plain, None) == available_energy(
        asset.watercourse, 24 * hour, {}
    )
    assert check_energy._water_for(asset, grid, plain, half) == pytest.approx(
        available_energy(asset.watercourse, 36 * hour, {}) - 100.0 * 12
    )
    assert check_energy._water_for(asset, grid, wet, None) == available_energy(
        asset.watercourse, 24 * hour, {reservoir: 200.0}
    )
