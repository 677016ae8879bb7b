"""What a bid sells over its day, against the water there is, against yesterday's, and at low prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.clearing import sold_over
from hydrobid.domain.canonical import rounded
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.plan import Plan
from hydrobid.domain.position import Sold
from hydrobid.domain.records import Finding
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.available_energy import available_energy
from hydrobid.hydro.horizon import Horizon
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.run_inputs import position_in
from hydrobid.pipeline.yesterday import yesterdays_bid

Floats = NDArray[np.float64]

DECIMALS = 1
"""Of MWh and MW in findings."""


@dataclass(frozen=True)
class Background:
    """What a bid is compared with.

    water: MWh that the area's water could make at most. prices: (S, T) of the planned scenarios;
    weights: (S,) probabilities; None where they cannot be read. yesterday: yesterday's bid on the
    day's MTUs.
    """

    water: float = np.inf
    prices: Floats | None = None
    weights: Floats | None = None
    yesterday: BidMatrix | None = None


def background_of(
    documents: Documents, configuration: ClientConfiguration, plan: Plan, area: PriceArea
) -> Background:
    """Return what an area's bid is compared with; what cannot be read is left out."""
    yesterday = yesterdays_bid(documents, plan, configuration.market, area)
    try:
        sets = {
            name: ScenarioSet.from_document(get_blob(documents, digest))
            for name, digest in plan.inputs.scenario_sets.items()
        }
        position = position_in(documents, plan)
    except PermanentError:
        return Background(yesterday=yesterday)
    grid = configuration.market.grid(plan.run.day)
    planned = plan.assets_in(area)
    water = sum(
        _water_for(
            configuration.asset(asset.asset),
            grid,
            sets[asset.scenario_set],
            None if position is None else position.assets.get(asset.asset),
        )
        for asset in planned
    )
    scenarios = sets[planned[0].scenario_set]
    return Background(water, scenarios.prices[area], scenarios.probabilities, yesterday)


def _water_for(
    asset: AssetConfiguration, grid: MtuGrid, scenarios: ScenarioSet, sold: Sold | None
) -> float:
    """Return MWh that an asset's water could make in the day at most, after what is sold before it.

    The levels are those of when the solves begin, and inflows the highest of any scenario.
    """
    inflows = {
        reservoir: float(np.nanmax(values, initial=0.0))
        for reservoir, values in scenarios.inflows.items()
    }
    since, before = grid.start, 0.0
    if sold is not None and sold.volumes:
        since = sold.since
        hours = Horizon.mixed(since, grid).hours[: len(sold.volumes)]
        before = float(np.asarray(sold.volumes) @ hours)
    seconds = (grid.end - since).total_seconds()
    return available_energy(asset.watercourse, seconds, inflows) - before


def energy_findings(
    configuration: ClientConfiguration, area: PriceArea, matrix: BidMatrix, background: Background
) -> Iterator[Finding]:
    """Yield what is wrong with, or strange about, what a bid sells."""
    yield from _below_the_floor(configuration, area, matrix)
    prices, weights = background.prices, background.weights
    if prices is None or weights is None or prices.shape[1] != len(matrix.grid):
        return
    days = _days(matrix, prices)
    yield from _against_water(area, days, weights, background.water)
    if background.yesterday is not None:
        before = _days(background.yesterday, prices)
        hours = len(matrix.grid) * matrix.grid.hours
        means = [rounded(float(weights @ each) / hours, DECIMALS) for each in (days, before)]
        yield from _against_yesterday(configuration, area, means)


def _below_the_floor(
    configuration: ClientConfiguration, area: PriceArea, matrix: BidMatrix
) -> Iterator[Finding]:
    market, checks = configuration.market, configuration.checks
    if checks.price_floor is None:
        return
    below = int(np.ceil(checks.price_floor / float(market.price_tick))) - 1
    if below < market.min_ticks:
        return
    step = market.interpolation == "step"
    cheap = (replace(block, linked_to=None) for block in matrix.blocks if block.price <= below)
    blocks = replace(matrix.block_bid, blocks=tuple(cheap)).most
    for index, curve in enumerate(matrix.curves):
        sold = (_lots_at(curve, below, step=step) + int(blocks[index])) * float(matrix.lot)
        if sold > checks.sold_below_floor:
            yield Finding(
                code="PRICE_FLOOR",
                severity="error",
                where=f"{area}[{index}]",
                value=rounded(sold, DECIMALS),
                rule=f"at most {checks.sold_below_floor:g} MW sold below "
                f"{checks.price_floor:g} {market.currency}/MWh",
            )


def _against_water(
    area: PriceArea, days: Floats, weights: Floats, water: float
) -> Iterator[Finding]:
    """An error where more is expected to be sold than any water makes; else a word to the approver."""
    expected, most = float(weights @ days), float(days.max())
    if most <= water:
        return
    certain = expected > water
    yield Finding(
        code="WATER",
        severity="error" if certain else "warning",
        where=area,
        value=rounded(expected if certain else most, DECIMALS),
        rule=f"{'expected energy' if certain else 'energy at every scenario'} within the "
        f"{water:.{DECIMALS}f} MWh that the day's water could make at most",
    )


def _against_yesterday(
    configuration: ClientConfiguration, area: PriceArea, means: list[float]
) -> Iterator[Finding]:
    assets = [asset for asset in configuration.assets if asset.price_area == area]
    plants = [plant for asset in assets for plant in asset.watercourse.plants]
    power = sum(machine.power_max for plant in plants for machine in plant.machines)
    allowed = configuration.checks.change * power
    if abs(means[0] - means[1]) > allowed:
        yield Finding(
            code="FAR_FROM_YESTERDAY",
            severity="warning",
            where=area,
            value=means,
            rule=f"mean power within {allowed:.{DECIMALS}f} MW of yesterday's bid at today's prices",
        )


def _days(matrix: BidMatrix, prices: Floats) -> Floats:
    """Return (S,) MWh that a bid sells over the day at each scenario's prices."""
    days: Floats = sold_over(matrix, prices).sum(axis=1) * matrix.grid.hours
    return days


def _lots_at(curve: BidCurve, tick: int, *, step: bool) -> float:
    """Return the volume at a price; on a step market the lower of two neighbours' counts."""
    if step:
        position = int(np.searchsorted(curve.ticks, tick, side="right")) - 1
        return float(curve.lots[position])
    return float(curve.lots_at(np.array([tick], np.int64))[0])
