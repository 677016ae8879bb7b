"""The checks that a total bid must pass before it may be approved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from hydrobid.bidding.reduction import points_of
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AssetRecord, Finding
from hydrobid.domain.states import AssetState
from hydrobid.pipeline.check_energy import Background, energy_findings


def check_bid(
    configuration: ClientConfiguration,
    plan: Plan,
    area: PriceArea,
    matrix: BidMatrix | None,
    assets: Mapping[AssetId, AssetRecord],
    background: Background,
) -> tuple[Finding, ...]:
    """Return what is wrong with an area's bid (errors) and what its approver should know (warnings).

    That a curve's volumes never fall with its price, and so never rise in the exchange's sign, is
    kept by `BidCurve` itself: no other can be made.
    """
    if matrix is None:
        return (
            Finding(
                code="NO_BID",
                severity="error",
                where=area,
                value=sorted(record.state for record in assets.values()),
                rule="at least one asset of the area has a bid",
            ),
        )
    return (
        *market_findings(configuration.market, plan.run.day, matrix),
        *_against_capacity(configuration, area, matrix),
        *energy_findings(configuration, area, matrix, background),
        *_about_assets(plan, area, assets),
    )


def faulty(findings: Iterable[Finding]) -> bool:
    """Whether a finding stops a bid."""
    return any(finding.severity == "error" for finding in findings)


def market_findings(market: Market, day: date, matrix: BidMatrix) -> Iterator[Finding]:
    """Yield what of a bid its market does not take: MTUs, tick, lot, price limits, points, blocks."""
    grid = market.grid(day)
    for code, value, unit in (
        ("TICKS", matrix.tick, market.price_tick),
        ("LOTS", matrix.lot, market.volume_lot),
    ):
        if value != unit:
            yield Finding(
                code=code,
                severity="error",
                where=matrix.price_area,
                value=str(value),
                rule=f"in units of {unit}",
            )
    if matrix.grid != grid:
        yield Finding(
            code="MTUS",
            severity="error",
            where=matrix.price_area,
            value=len(matrix.grid),
            rule=f"one curve for each of the day's {len(grid)} MTUs",
        )
    for index, curve in enumerate(matrix.curves):
        where = f"{matrix.price_area}[{index}]"
        if (curve.ticks[0], curve.ticks[-1]) != (market.min_ticks, market.max_ticks):
            yield Finding(
                code="PRICE_LIMITS",
                severity="error",
                where=where,
                value=[matrix.price(curve.ticks[0]), matrix.price(curve.ticks[-1])],
                rule=f"from {market.price_min} to {market.price_max} {market.currency}/MWh",
            )
        points = points_of(curve, market)
        if points > market.max_points:
            yield Finding(
                code="POINTS",
                severity="error",
                where=where,
                value=points,
                rule=f"at most {market.max_points} points a curve",
            )
    for breach in matrix.block_bid.breaches(market):
        yield Finding(
            code=f"BLOCK_{breach.field.upper()}",
            severity="error",
            where=f"{matrix.price_area} {breach.document}",
            value=breach.value,
            rule=breach.expected,
        )


def _against_capacity(
    configuration: ClientConfiguration, area: PriceArea, matrix: BidMatrix
) -> Iterator[Finding]:
    """Compare with what the area's units and pumps can do; summing may add half a lot an asset."""
    assets = [asset for asset in configuration.assets if asset.price_area == area]
    plants = [plant for asset in assets for plant in asset.watercourse.plants]
    most = sum(unit.power_max for plant in plants for unit in plant.units)
    least = -sum(pump.power_max for plant in plants for pump in plant.pumps)
    slack = float(configuration.market.volume_lot * len(assets) / Decimal(2))
    sold, bought = matrix.block_bid.most.tolist(), matrix.block_bid.least.tolist()
    for index, curve in enumerate(matrix.curves):
        low = matrix.volume(curve.lots[0] + bought[index])
        high = matrix.volume(curve.lots[-1] + sold[index])
        if low < least - slack or high > most + slack:
            yield Finding(
                code="CAPACITY",
                severity="error",
                where=f"{area}[{index}]",
                value=[low, high],
                rule=f"within what the assets can do: {least:g} to {most:g} MW",
            )


def _about_assets(
    plan: Plan, area: PriceArea, assets: Mapping[AssetId, AssetRecord]
) -> Iterator[Finding]:
    for asset in plan.assets_in(area):
        record = assets.get(asset.asset)
        if record is None or record.matrix is None:
            yield Finding(
                code="ASSET_MISSING",
                severity="warning",
                where=asset.asset,
                value=None if record is None else record.state,
                rule="every asset of the area is in its bid",
            )
            continue
        if record.stand_in is not None:
            yield Finding(
                code="ASSET_STAND_IN",
                severity="warning",
                where=asset.asset,
                value=record.stand_in,
                rule="curves that all scenarios share; independent scenarios stand in for them",
            )
        if record.state is not AssetState.COMPLETE and not (
            record.stand_in and record.coverage.complete
        ):
            yield Finding(
                code="ASSET_PARTIAL",
                severity="warning",
                where=asset.asset,
                value=record.coverage.probability,
                rule="every planned scenario is behind the bid",
            )
