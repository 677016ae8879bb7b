"""What partial and missing assets did to a price area's bid, in MW and in money.

The yardstick is a bid's expectation over the planned price scenarios: every curve is read at every
scenario's prices, solved or not, as if they cleared, and weighted by the scenario's probability.
An area's bid is read at the scenarios of the first of its assets, as the checks read it. Sales are
not profit: water that is not sold keeps its value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

import numpy as np

from hydrobid.bidding.coverage import PROBABILITY_DECIMALS
from hydrobid.bidding.methods import method_of
from hydrobid.domain.approval import Approval, Override, Signature
from hydrobid.domain.base import Value
from hydrobid.domain.canonical import rounded
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, PriceArea, ScenarioId
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import AssetPlan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import AreaState, AssetState, OrderState
from hydrobid.pipeline import paths
from hydrobid.pipeline.diagnosis.evidence import Evidence
from hydrobid.pipeline.diagnosis.expectation import Expectation, expectation
from hydrobid.pipeline.joint_bid import JOINT_USED
from hydrobid.pipeline.run_inputs import asset_at_day


class Standing(StrEnum):
    """What stood at the exchange at the last look, seen from one run's bid."""

    THIS_BID = "this bid"
    ANOTHER_BID = "another bid"
    NOTHING = "nothing"
    UNKNOWN = "nobody knows what"


class AssetEffect(Value):
    """An asset's part in its area's bid.

    state: None where the asset was never settled. capacity, pumping: MW that its units and pumps
    can do. offered: what its own bid is expected to sell, None where it has no part in the area's.
    unfounded: what of that is at the prices of scenarios on which the curves do not rest. obtainable: what a bid on every scenario that is solved by now would be expected to sell, None
    where the bid rests on these or there is none. solved_probability: of those scenarios.
    unreadable: whether it has a part in the bid that cannot be read, so that nothing is offered here.
    """

    asset: AssetId
    state: AssetState | None
    capacity: float
    pumping: float
    offered: Expectation | None
    unfounded: Expectation
    obtainable: Expectation | None
    solved_probability: float
    unreadable: bool


class AreaEffect(Value):
    """A price area's bid and what of it comes from where.

    state: None where there is no bid. volume_min, volume_max: MW at the lowest and highest price.
    override, signatures, approval: what people and rules have done with it. refused: the exchange's
    words where it refused it. offered: what it is expected to sell, None where it has no content.
    computed: of its assets' own bids together, before their sum was thinned to the points that the
    market takes, and before people changed it; by_state: of those of each state. idle: MW of
    capacity that has no part in what was computed. gain: what the obtainable bids would sell beyond
    what was computed, None where there are none. standing: expected of another bid that stands, None
    where it is none of ours or none does. held: in words, what keeps the order as it is and who
    wanted it so.
    """

    price_area: PriceArea
    state: AreaState | None
    bid_version: int | None
    volume_min: float | None
    volume_max: float | None
    override: Override | None
    signatures: tuple[Signature, ...]
    approval: Approval | None
    refused: str | None
    order: OrderState | None
    held: str | None
    stands: Standing
    standing: Expectation | None
    offered: Expectation | None
    computed: Expectation
    by_state: dict[AssetState, Expectation]
    idle: float
    gain: Expectation | None
    assets: tuple[AssetEffect, ...]


def area_effect(evidence: Evidence, area: PriceArea) -> AreaEffect:
    """Return what became of a price area's bid, and what each asset contributes to it."""
    record, order = evidence.view.areas.get(area), evidence.view.orders.get(area)
    planned = evidence.plan.assets_in(area)
    assets = tuple(_asset_effect(evidence, asset, record) for asset in planned)
    bid = None if record is None or record.matrix is None else evidence.matrix(record.matrix)
    low, high = (None, None) if bid is None else bid.span
    stands = _stands(evidence, area)
    return AreaEffect(
        price_area=area,
        state=None if record is None else record.state,
        bid_version=None if record is None else record.bid_version,
        volume_min=low,
        volume_max=high,
        override=None if record is None else record.override,
        signatures=() if record is None else record.signatures,
        approval=None if record is None else record.approval,
        refused=_refused(record, order),
        order=None if order is None else order.state,
        held=None if order is None else order.held_words,
        stands=stands,
        standing=_of_another(evidence, area, order) if stands is Standing.ANOTHER_BID else None,
        offered=None if bid is None else _expected(evidence, area, bid),
        computed=_sum(asset.offered for asset in assets),
        by_state={
            state: _sum(asset.offered for asset in assets if asset.state is state)
            for state in AssetState
            if any(asset.state is state and asset.offered is not None for asset in assets)
        },
        idle=sum(a.capacity for a in assets if a.offered is None and not a.unreadable),
        gain=_gain(assets),
        assets=assets,
    )


def _asset_effect(evidence: Evidence, asset: AssetPlan, area: AreaRecord | None) -> AssetEffect:
    settled = _version_in_bid(evidence, asset, area)
    plants = evidence.configuration.asset(asset.asset).watercourse.plants
    founded = _founded(asset, settled)
    solved = [s for s, o in evidence.view.outcomes[asset.asset].items() if o.volumes is not None]
    offered = _offered(evidence, asset, settled, evidence.given_to(asset).ids)
    return AssetEffect(
        asset=asset.asset,
        state=_state(evidence, asset, settled),
        capacity=sum(unit.power_max for plant in plants for unit in plant.units),
        pumping=sum(pump.power_max for plant in plants for pump in plant.pumps),
        offered=offered,
        unfounded=_offered(evidence, asset, settled, _unfounded(evidence, asset, settled))
        or Expectation(),
        obtainable=_obtainable(evidence, asset, solved) if set(solved) - founded else None,
        solved_probability=_probability(evidence, asset, solved),
        unreadable=settled is not None and offered is None,
    )


def _version_in_bid(evidence: Evidence, asset: AssetPlan, area: AreaRecord | None) -> Event | None:
    """Return the event of the version of an asset whose curves are in the area's bid."""
    if area is None or asset.asset not in area.assets or asset.asset in area.missing:
        return None
    events = evidence.trail.of_asset(asset)
    return next((e for e in events if e.version == area.assets[asset.asset]), None)


def _state(evidence: Evidence, asset: AssetPlan, settled: Event | None) -> AssetState | None:
    """Return the state of the version that is in the bid; where none is, of the newest."""
    if settled is not None:
        return AssetState(settled.type.removeprefix("asset-").upper())
    record = evidence.view.assets.get(asset.asset)
    return None if record is None else record.state


def _founded(asset: AssetPlan, settled: Event | None) -> set[ScenarioId]:
    """Return the scenarios on which the bid rests: a fallback on none, a joint task's on all."""
    if settled is None or settled.data["fallback"] is not None:
        return set()
    if settled.data.get("joint") == JOINT_USED:
        return set(asset.scenarios)
    return {scenario for scenario in asset.scenarios if scenario not in settled.data["missing"]}


def _unfounded(
    evidence: Evidence, asset: AssetPlan, settled: Event | None
) -> Collection[ScenarioId]:
    """Return the client's scenarios on which the bid does not rest.

    One from a set that the method derived rests on all of them, or is a fallback's.
    """
    if settled is None or settled.data["fallback"] is not None:
        return evidence.given_to(asset).ids
    return set(settled.data["missing"]) - _founded(asset, settled)


def _offered(
    evidence: Evidence, asset: AssetPlan, settled: Event | None, at: Collection[ScenarioId]
) -> Expectation | None:
    matrix = None if settled is None else evidence.matrix(settled.data["matrix"])
    if matrix is None:
        return None
    scenarios = evidence.given_to(asset)
    rows = [row for row, scenario in enumerate(scenarios.ids) if scenario in at]
    return expectation(
        matrix,
        scenarios.prices[asset.price_area][rows],
        scenarios.probabilities[rows],
    )


def _obtainable(evidence: Evidence, asset: AssetPlan, solved: Sequence[ScenarioId]) -> Expectation:
    market, scenarios = evidence.configuration.market, evidence.scenarios_of(asset)
    own = asset_at_day(evidence.documents, evidence.plan, evidence.configuration, asset.asset)
    outcomes = evidence.view.outcomes[asset.asset]
    volumes = {scenario: np.asarray(outcomes[scenario].volumes) for scenario in solved}
    grid = market.grid(evidence.plan.run.day)
    bid = method_of(own).bid(market, grid, own, scenarios, volumes)
    given = evidence.given_to(asset)
    return expectation(bid, given.prices[asset.price_area], given.probabilities)


def _probability(evidence: Evidence, asset: AssetPlan, some: Sequence[ScenarioId]) -> float:
    scenarios = evidence.scenarios_of(asset)
    return rounded(sum(map(scenarios.probability_of, some)), PROBABILITY_DECIMALS)


def _gain(assets: Iterable[AssetEffect]) -> Expectation | None:
    gains = [
        asset.obtainable - (asset.offered or Expectation())
        for asset in assets
        if asset.obtainable is not None and not asset.unreadable
    ]
    return _sum(gains) if gains else None


def _sum(expectations: Iterable[Expectation | None]) -> Expectation:
    return sum((each for each in expectations if each is not None), Expectation())


def _refused(area: AreaRecord | None, order: OrderRecord | None) -> str | None:
    words = None if area is None or order is None else order.refused.get(area.matrix or "")
    return None if words is None else str(words["message"])


def _stands(evidence: Evidence, price_area: PriceArea) -> Standing:
    area, order = evidence.view.areas.get(price_area), evidence.view.orders.get(price_area)
    path = paths.order(evidence.plan.run, evidence.plan.portfolio, price_area)
    if path in evidence.unreadable_of(price_area):
        return Standing.UNKNOWN
    if order is None or order.standing is None:
        return Standing.NOTHING
    same = area is not None and order.standing.matrix == area.matrix
    return Standing.THIS_BID if same else Standing.ANOTHER_BID


def _of_another(
    evidence: Evidence, area: PriceArea, order: OrderRecord | None
) -> Expectation | None:
    stood = None if order is None else order.stood
    if stood is None:
        return None
    bid = evidence.matrix(stood.matrix)
    return None if bid is None else _expected(evidence, area, bid)


def _expected(evidence: Evidence, area: PriceArea, bid: BidMatrix) -> Expectation:
    scenarios = evidence.given_to(evidence.plan.assets_in(area)[0])
    return expectation(bid, scenarios.prices[area], scenarios.probabilities)
