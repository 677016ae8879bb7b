"""Where a run stands: derived from its documents, so that nothing contends on the run itself."""

from __future__ import annotations

from collections.abc import Mapping

from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, AssetRecord, OrderRecord
from hydrobid.domain.states import ApprovalState, AreaState, OrderState, RunState


def run_state(
    plan: Plan,
    outcomes: int,
    assets: Mapping[AssetId, AssetRecord],
    areas: Mapping[PriceArea, AreaRecord],
    orders: Mapping[PriceArea, OrderRecord],
) -> RunState:
    """Return the state of the run that `plan` describes.

    outcomes: how many scenario outcomes exist. assets, areas: the records of this run that exist.
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
    if outcomes == sum(len(asset.scenarios) for asset in plan.assets):
        return RunState.AGGREGATING
    return RunState.SOLVING if outcomes or assets else RunState.PLANNED


def _taken_over(plan: Plan, order: OrderRecord | None) -> bool:
    """Whether a newer revision's bid is wanted, or stood when the gate closed."""
    if order is None:
        return False
    wanted = order.stood if order.state is OrderState.CLOSED else order.wanted
    return wanted is not None and wanted.run.revision > plan.run.revision


def _area_end(plan: Plan, area: AreaRecord, order: OrderRecord | None) -> RunState:
    """Return SUBMITTED, WITHHELD or FAILED for an area that is done, else what it waits for."""
    if order is not None and order.state is OrderState.CLOSED:
        stands = order.stood is not None and order.stood.run == plan.run
        return RunState.SUBMITTED if stands else RunState.FAILED
    if area.state is AreaState.VALIDATED and area.approval is None:
        return RunState.AWAITING_APPROVAL
    if area.state is AreaState.VALIDATED and not _approved(area):
        return RunState.WITHHELD
    wanted = order.wanted if order is not None else None
    refused = order is not None and area.matrix in order.refused
    if _approved(area) and not refused and not _includes(order, area):
        return RunState.SUBMITTING
    # A refused version leaves the approved one before it wanted.
    if order is None or wanted is None or wanted.run != plan.run:
        return RunState.FAILED
    return RunState.SUBMITTED if order.settled else RunState.SUBMITTING


def _approved(area: AreaRecord) -> bool:
    return area.approval is not None and area.approval.state is ApprovalState.APPROVED


def _includes(order: OrderRecord | None, area: AreaRecord) -> bool:
    fence = (area.run.revision, area.bid_version)
    return order is not None and any(wanted.fence >= fence for wanted in order.approved)
