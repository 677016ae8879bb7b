"""The submission's use cases: an asset's bid arrived, or a cut-off has passed."""

from __future__ import annotations

from collections.abc import Sequence

from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import AssetBid, CutOffReached
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import Actor, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.aggregate_asset import settle_asset
from hydrobid.pipeline.merge_area import merge_area
from hydrobid.pipeline.order_records import want
from hydrobid.pipeline.ports import Callbacks, Clock, Documents, Exchange
from hydrobid.pipeline.read_run import finished_state
from hydrobid.pipeline.reconcile_order import reconcile_order
from hydrobid.pipeline.run_inputs import asset_plan, configuration_in, plan_of


def submit_asset_bid(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: AssetBid,
    holder: str,
) -> RunState | None:
    """Bring an asset's area as far as it can go; return how the run ended, None while it goes on.

    holder: names this call in the lease of an order. Safe to repeat: what is done stays done, and
    whoever waits for a finished run is called again.

    Raises:
        NotFound: no such run or asset. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    area = asset_plan(plan, message.asset).price_area
    return _submit(documents, clock, exchange, callbacks, plan, [area], holder)


def submit_at_cut_off(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: CutOffReached,
    holder: str,
) -> RunState | None:
    """Settle what is unsettled on what is there, mark the absent missing, and submit the rest.

    Returns how the run ended, None while it goes on.

    Raises:
        NotFound: no such run. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    records = documents.get_many([paths.asset(plan.run, asset.asset) for asset in plan.assets])
    for asset, record in zip(plan.assets, records, strict=True):
        if record is None:
            settle_asset(
                documents,
                clock,
                plan,
                asset.asset,
                cause=f"{message.cut_off}-cut-off",
                actor=Actor.SUBMISSION,
            )
    return _submit(
        documents, clock, exchange, callbacks, plan, plan.price_areas, holder, at_cut_off=True
    )


def _submit(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    plan: Plan,
    areas: Sequence[PriceArea],
    holder: str,
    *,
    at_cut_off: bool = False,
) -> RunState | None:
    market = configuration_in(documents, plan).market
    for price_area in areas:
        area = merge_area(documents, clock, plan, price_area, at_cut_off=at_cut_off)
        if area is None:
            continue
        order = want(documents, clock, area)
        if order is not None:
            reconcile_order(documents, clock, exchange, market, plan, order, holder)
    state = finished_state(documents, plan)
    if state is not None:
        _call_back(documents, callbacks, plan, state)
    return state


def _call_back(documents: Documents, callbacks: Callbacks, plan: Plan, state: RunState) -> None:
    """Tell every execution that waits for the run; those that are gone are ignored."""
    for execution in documents.find(paths.executions(plan.run)).values():
        callbacks.call(execution["callback"], {"run": str(plan.run), "state": str(state)})
