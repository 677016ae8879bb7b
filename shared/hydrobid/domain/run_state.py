"""Where a run stands: derived from its documents, so that nothing contends on the run itself."""

from __future__ import annotations

from collections.abc import Mapping

from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, AssetRecord
from hydrobid.domain.states import ApprovalState, AreaState, OrderState, RunState


def run_state(
    plan: Plan,
    outcomes: int,
    assets: Mapping[AssetId, AssetRecord],
    areas: Mapping[PriceArea, AreaRecord],
    orders: Mapping[PriceArea, OrderRecord],
) -> RunState:
    """Return the state of the run that `plan` describes.

    outcomes: how many outcomes of scenarios and joint tasks exist. assets, areas: the records of this run that exist.
    orders: the records of its market and day, whichever revision they were last written for.
    """
    if all(_taken_over(plan, orders.get(area)) for area in plan.price_areas):
        return RunState.SUPERSEDED
    if len(areas) < len(plan.price_areas):
        return _state_before_areas(plan, outcomes, assets)
    ends = [_area_end(plan, areas[area], orders.get(area)) for area in plan.price_areas]
    for unfinished in (RunState.AWAITING_APPROVAL, RunState.SUBMITTING):
        if unfinished in ends:
            return unfinished
    if RunState.SUBMITTED in ends:
        whole = all(end is RunState.SUBMITTED for end in ends)
        return RunState.SUBMITTED if whole else RunState.PARTLY_SUBMITTED
    return RunState.WITHHELD if RunState.WITHHELD in ends else RunState.FAILED


def _state_before_areas(
    plan: Plan, outcomes: int, assets: Mapping[AssetId, AssetRecord]
) -> RunState:
    if len(assets) == len(plan.assets):
        return RunState.SUBMITTING
    joint = sum(asset.joint is not None for asset in plan.assets)
    if outcomes == joint + sum(len(asset.scenarios) for asset in plan.assets):
        return RunState.AGGREGATING
    return RunState.SOLVING if outcomes or assets else RunState.PLANNED


def _taken_over(plan: Plan, order: OrderRecord | None) -> bool:
    """Whether a newer revision's bid is wanted, or would be if it were not withdrawn.

    Once the gate has closed: whether it stood then.
    """
    if order is None:
        return False
    if order.state is OrderState.CLOSED:
        leads = order.stood
    else:
        leads = order.due if order.withdrawn else order.wanted
    return leads is not None and leads.run.revision > plan.run.revision


def _area_end(plan: Plan, area: AreaRecord, order: OrderRecord | None) -> RunState:
    """Return SUBMITTED, WITHHELD or FAILED for an area that is done, else what it waits for."""
    if order is not None and order.state is OrderState.CLOSED:
        return _closed_end(plan, area, order)
    if area.pending:
        return RunState.AWAITING_APPROVAL
    if area.approval is not None and not _approved(area):
        # What was approved before it, or is sent in its place, may stand.
        own = order is not None and order.due is not None and order.due.run == plan.run
        return _open_end(plan, order) if order is not None and own else RunState.WITHHELD
    refused = order is not None and area.matrix in order.refused
    if _approved(area) and not refused and not _includes(order, area):
        return RunState.SUBMITTING
    return RunState.FAILED if order is None else _open_end(plan, order)


def _open_end(plan: Plan, order: OrderRecord) -> RunState:
    """Return where a run stands in an area that has an order and an open gate."""
    withheld = order.withheld is not None and order.withheld.run == plan.run
    # A refused version leaves the approved one before it wanted.
    if not withheld and (order.wanted is None or order.wanted.run != plan.run):
        return RunState.FAILED
    if not order.settled:
        return RunState.SUBMITTING
    if withheld:
        return RunState.WITHHELD
    return RunState.FAILED if order.doubted else RunState.SUBMITTED


def _closed_end(plan: Plan, area: AreaRecord, order: OrderRecord) -> RunState:
    """Return how a run ended in an area whose gate has closed."""
    if order.stood is not None and order.stood.run == plan.run:
        return RunState.FAILED if order.doubted else RunState.SUBMITTED
    unapproved = area.state is AreaState.VALIDATED and not _approved(area)
    held = order.held is not None and _approved(area)
    return RunState.WITHHELD if unapproved or held else RunState.FAILED


def _approved(area: AreaRecord) -> bool:
    return area.approval is not None and area.approval.state is ApprovalState.APPROVED


def _includes(order: OrderRecord | None, area: AreaRecord) -> bool:
    fence = (area.run.revision, area.bid_version)
    return order is not None and any(wanted.fence >= fence for wanted in order.approved)
