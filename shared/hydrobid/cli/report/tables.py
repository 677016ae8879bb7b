"""The report's tables: rows of words and formatted numbers, ready for the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.statistics import Offer, area_prices, offer_of
from hydrobid.cli.report.words import (
    ASSET_STATES,
    counted,
    fallback_words,
    listed,
    number,
    percent,
    reason,
)
from hydrobid.domain.approval import BY_RULE
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import AssetPlan
from hydrobid.domain.records import AreaRecord, AssetRecord
from hydrobid.domain.states import ApprovalState, AreaState, AssetState, OrderState

MOST_NAMED = 6


@dataclass(frozen=True)
class Status:
    """A state in words. tone: good, warn, bad or plain."""

    text: str
    tone: str


@dataclass(frozen=True)
class AreaRow:
    """What came of one price area.

    order_id, exchange: of the order that is this bid, None where another or none stands. basis:
    what the bid rests on. remarks: what people did with it, what it lacks and why, what stands
    instead.
    """

    area: PriceArea
    status: Status
    order_id: str | None
    exchange: str | None
    offer: Offer | None
    basis: str
    remarks: tuple[str, ...]
    digest: str | None


@dataclass(frozen=True)
class AssetRow:
    """What an asset's partial bid rests on. share: solved of planned, 0 to 1."""

    asset: AssetId
    area: PriceArea
    status: Status
    solved: int
    planned: int
    share: float
    probability: str
    minimum: str
    prices: str
    missing: tuple[str, ...]


def area_rows(facts: RunFacts) -> list[AreaRow]:
    """Return a row for each price area that gets a bid."""
    return [_area_row(facts, area) for area in facts.plan.price_areas]


def _area_row(facts: RunFacts, area: PriceArea) -> AreaRow:
    record, order = facts.view.areas.get(area), facts.view.orders.get(area)
    bid = facts.total_bids.get(area)
    standing = order.standing if order is not None else None
    planned = facts.plan.assets_in(area)
    inside = len(planned) - len(record.missing) if record is not None else 0
    basis = f"{inside} of {counted(len(planned), 'asset')}"
    if record is not None and record.matrix is not None:
        basis += ", in part" if record.partial else ", every scenario"
    if bid is not None and bid.blocks:
        basis += f", with {counted(len(bid.blocks), 'block')}"
    remarks = [*_by_people(record), *_missing_from(facts, planned, record)]
    if standing is not None and (record is None or standing.matrix != record.matrix):
        remarks.append(f"another bid stands at the exchange: {', '.join(standing.names)}")
        standing = None
    return AreaRow(
        area=area,
        status=area_status(facts, record, order),
        order_id=", ".join(standing.names) if standing is not None else None,
        exchange=f"{standing.exchange_version} ({standing.state})"
        if standing is not None and standing.order_id is not None
        else None,
        offer=offer_of(bid, area_prices(facts, area)) if bid is not None else None,
        basis=basis,
        remarks=tuple(remarks),
        digest=record.matrix if record is not None else None,
    )


def area_status(facts: RunFacts, area: AreaRecord | None, order: OrderRecord | None) -> Status:
    """Return where an area's bid stands: made, checked, approved, sent, standing."""
    if area is None:
        return Status("not made yet", "plain")
    revision = facts.plan.run.revision
    if order is not None and order.wanted is not None and order.wanted.run.revision > revision:
        return Status(f"replaced by revision {order.wanted.run.revision}", "plain")
    if area.matrix is None:
        return Status("no bid", "bad")
    if area.state is AreaState.REFUSED:
        return Status("stopped by its checks", "bad")
    return _status_at_exchange(area, order)


def _status_at_exchange(area: AreaRecord, order: OrderRecord | None) -> Status:
    """Return where a bid that passed its checks stands."""
    if area.approval is None:
        return Status("waits for approval", "warn")
    if area.approval.state is not ApprovalState.APPROVED:
        return Status(f"{str(area.approval.state).lower()}, not sent", "bad")
    if order is not None and area.matrix in order.refused:
        return Status("refused by the exchange", "bad")
    if order is not None and order.standing is not None and order.standing.matrix == area.matrix:
        doubted = Status("stands, and the exchange doubts that it is reasonable", "bad")
        return doubted if order.doubted else Status("stands", "good")
    return _status_off_exchange(order)


def _status_off_exchange(order: OrderRecord | None) -> Status:
    """Return why an approved bid is not seen to stand."""
    if order is not None and order.held_words is not None:
        return Status(order.held_words, "bad")
    if order is not None and order.state is OrderState.CLOSED:
        return Status("missed the gate", "bad")
    return Status("not known yet to stand", "warn")


def _by_people(record: AreaRecord | None) -> Iterator[str]:
    """Yield what people, or a policy in their place, have done with a bid."""
    if record is None:
        return
    if record.override is not None:
        yield f"changed by {record.override.by}: {record.override.reason}"
    approval = record.approval
    if approval is not None and approval.by != BY_RULE:
        why = f": {approval.reason}" if approval.reason else ""
        yield f"{approval.state.lower()} by {approval.by}{why}"
    elif approval is None:
        yield from (f"approved by {signature.by}" for signature in record.signatures)


def _missing_from(
    facts: RunFacts, planned: tuple[AssetPlan, ...], record: AreaRecord | None
) -> Iterator[str]:
    """Yield what an area's bid lacks: assets, and scenarios of those that are in it."""
    for plan in planned:
        answered = facts.view.assets.get(plan.asset)
        if record is not None and plan.asset in record.missing:
            yield f"{plan.asset}: {reason(record.missing[plan.asset])}"
        elif answered is None:
            yield f"{plan.asset}: no answer yet"
        elif answered.fallback is not None:
            yield f"{plan.asset}: {fallback_words(answered.fallback)}"
        elif answered.coverage.missing:
            lacking = len(answered.coverage.missing)
            yield f"{plan.asset}: {lacking} of {counted(answered.coverage.planned, 'scenario')} missing"


def asset_rows(facts: RunFacts) -> list[AssetRow]:
    """Return a row for each asset of the plan."""
    return [_asset_row(facts, plan) for plan in facts.plan.assets]


def _asset_row(facts: RunFacts, plan: AssetPlan) -> AssetRow:
    record = facts.view.assets.get(plan.asset)
    solved = facts.solved(plan.asset)
    planned = len(plan.scenarios)
    tones = {AssetState.COMPLETE: "good", AssetState.FAILED: "bad"}
    status = Status("no answer yet", "plain")
    if record is not None:
        status = Status(ASSET_STATES[record.state], tones.get(record.state, "warn"))
    probability = float(np.sum(facts.probabilities(plan.asset, solved)))
    scenarios = facts.scenario_set(plan.asset)
    prices = [scenarios.prices_of(plan.price_area, scenario) for scenario in solved]
    spans = f"{number(np.min(prices))} to {number(np.max(prices))}" if prices else "none"
    return AssetRow(
        asset=plan.asset,
        area=plan.price_area,
        status=status,
        solved=len(solved),
        planned=planned,
        share=len(solved) / planned if planned else 1.0,
        probability=percent(probability),
        minimum=percent(facts.configuration.asset(plan.asset).coverage.minimum_probability),
        prices=spans,
        missing=() if record is None else (*_missing_scenarios(record), *_expired(facts, record)),
    )


def _expired(facts: RunFacts, record: AssetRecord) -> Iterator[str]:
    gone = record.coverage.solved - len(facts.solved(record.asset))
    if gone > 0 and facts.plan.kept_until is not None:
        until = f"{facts.plan.kept_until:%Y-%m-%d}"
        yield f"{number(gone, 0)} solved for it have expired: kept until {until}"


def _missing_scenarios(record: AssetRecord) -> Iterator[str]:
    """Yield a line for each reason: how many scenarios, why, and which, the first few by name."""
    missing = record.coverage.missing
    if record.fallback is not None:
        yield f"bid instead: {fallback_words(record.fallback)}, since {record.unsafe}"
    if record.stand_in is not None:
        yield f"independent scenarios stand in for the joint task: {reason(record.stand_in)}"
    for code in dict.fromkeys(missing.values()):
        names = [scenario for scenario, why in missing.items() if why == code]
        shown = [str(name) for name in names[:MOST_NAMED]]
        if len(names) > MOST_NAMED:
            shown.append(f"{len(names) - MOST_NAMED} more")
        yield f"{number(len(names), 0)}: {reason(code)} ({listed(shown)})"
