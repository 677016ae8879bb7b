"""The submission's use cases: an asset's bid arrived, or a cut-off has passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import CorruptDocument, HydrobidError
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.messages import ApprovalDecided, AssetBid, CutOffReached, HoldChanged
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AssetRecord
from hydrobid.domain.states import Actor, AssetState, RunState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.aggregate_asset import settle_asset
from hydrobid.pipeline.alerts import raise_alert, resolve_alerts, through_revisions
from hydrobid.pipeline.approval_silence import act_on_silence
from hydrobid.pipeline.merge_area import merge_area
from hydrobid.pipeline.order_records import came_too_late, has_newer, want
from hydrobid.pipeline.ports import Callbacks, Clock, Documents, Exchange
from hydrobid.pipeline.read_run import finished_state, newest_run, read_records
from hydrobid.pipeline.reconcile_order import reconcile_order
from hydrobid.pipeline.run_inputs import asset_plan, configuration_in, plan_of
from hydrobid.pipeline.waiting_executions import call_back, note_settled

T = TypeVar("T", bound=str)


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
    submission = _Submission(documents, clock, exchange, plan, holder)
    submission.submit([area], at_cut_off=False)
    note_settled(documents, plan, message.execution, message.asset)
    return _told_the_end(documents, clock, callbacks, plan)


def submit_at_cut_off(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: CutOffReached,
    holder: str,
) -> RunState | None:
    """Settle what is unsettled on what is there, mark the absent missing, and submit the rest.

    Returns how the run ended, None while it goes on. A run that a newer one has taken over is left
    as it is.

    Raises:
        NotFound: no such run. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    records = read_records(documents, plan)
    if finished_state(plan, records) is not RunState.SUPERSEDED:
        submission = _Submission(documents, clock, exchange, plan, holder)
        submission.settle(records.assets, cause=f"{message.cut_off}-cut-off")
        submission.submit(plan.price_areas, at_cut_off=True)
    return _told_the_end(documents, clock, callbacks, plan)


def submit_for_desk(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    callbacks: Callbacks,
    message: HoldChanged | ApprovalDecided,
    holder: str,
) -> RunState | None:
    """Bring what stands in line with a hold that was set or lifted, or a bid that was decided on.

    Returns how the day's newest run ended, None while it goes on.

    Raises:
        NotFound: no such run. RetryableError: to be redelivered.
    """
    plan = plan_of(documents, message.run)
    _Submission(documents, clock, exchange, plan, holder).reconcile(message.price_area)
    newest = newest_run(documents, plan.run.market, plan.run.day) or plan.run
    if newest != plan.run:
        _told_the_end(documents, clock, callbacks, plan)
    return _told_the_end(documents, clock, callbacks, plan_of(documents, newest))


@dataclass(frozen=True)
class _Submission:
    """The work on one run. One asset or area that fails does not keep the others back."""

    documents: Documents
    clock: Clock
    exchange: Exchange
    plan: Plan
    holder: str

    def settle(self, records: Mapping[AssetId, AssetRecord], cause: str) -> None:
        """Settle every asset that could still be better than its record is."""
        complete = {a for a, record in records.items() if record.state is AssetState.COMPLETE}
        open_assets = [a.asset for a in self.plan.assets if a.asset not in complete]

        def settle_one(asset: AssetId) -> None:
            settle_asset(
                self.documents, self.clock, self.plan, asset, cause=cause, actor=Actor.SUBMISSION
            )

        self._each(open_assets, settle_one)
        # Those that a later run has whole are not left out any more.
        whole = [cause for asset in sorted(complete) for cause in self._left_out(asset)]
        resolve_alerts(self.documents, self.clock, whole)

    def submit(self, areas: Sequence[PriceArea], *, at_cut_off: bool) -> None:
        """Bring price areas as far as they can go."""
        market = configuration_in(self.documents, self.plan).market
        self._each(areas, lambda area: self._submit_area(market, area, at_cut_off))

    def reconcile(self, price_area: PriceArea) -> None:
        """Bring an order that is there in line with what is wanted."""
        plan = self.plan
        market = configuration_in(self.documents, plan).market

        def reconcile_one(area: PriceArea) -> None:
            stored = self.documents.get(paths.order(plan.run, plan.portfolio, area))
            if stored is not None:
                order = OrderRecord.from_document(stored)
                ports = (self.documents, self.clock, self.exchange)
                reconcile_order(*ports, market, plan, order, self.holder)

        self._each([price_area], reconcile_one)

    def _submit_area(self, market: Market, price_area: PriceArea, at_cut_off: bool) -> None:
        documents, clock, plan = self.documents, self.clock, self.plan
        area = merge_area(documents, clock, self.exchange, plan, price_area, at_cut_off=at_cut_off)
        if area is None:
            return
        # After the gate no cut-off may come any more that would have a late bid expire.
        if at_cut_off or clock.now() >= plan.cut_offs.gate:
            act_on_silence(documents, clock, plan, price_area)
        order = want(documents, clock, plan, area)
        if order is not None:
            reconcile_order(documents, clock, self.exchange, market, plan, order, self.holder)
        if came_too_late(area, order) and not has_newer(order, area):
            self._alert_gate_missed(price_area)

    def _each(self, items: Iterable[T], act: Callable[[T], None]) -> None:
        """Act on every item; afterwards raise what a redelivery could mend, alert to the rest."""
        mendable: HydrobidError | None = None
        mended: list[Cause] = []
        for item in items:
            try:
                act(item)
                mended += self._left_out(item)
            except HydrobidError as error:
                if error.retryable:
                    mendable = mendable or error
                else:
                    self._alert(item, error)
        resolve_alerts(self.documents, self.clock, mended)
        if mendable is not None:
            raise mendable

    def _alert_gate_missed(self, price_area: PriceArea) -> None:
        raise_alert(
            self.documents,
            self.clock,
            Cause(str(self.plan.run), AlertCode.GATE_MISSED, price_area),
            f"the bid for {price_area} was approved only after the gate had closed",
            {"price_area": price_area, "gate": utc_text(self.plan.cut_offs.gate)},
        )

    def _alert(self, item: str, error: HydrobidError) -> None:
        corrupt = isinstance(error, CorruptDocument)
        code = AlertCode.CORRUPT_DOCUMENT if corrupt else AlertCode.ITEM_LEFT_OUT
        raise_alert(
            self.documents,
            self.clock,
            Cause(str(self.plan.run), code, item),
            f"{item} was left out: {error.message}",
            {"subject": item, "error": error.as_document()},
        )

    def _left_out(self, item: str) -> list[Cause]:
        """Return what may have been told of an item that was left out before."""
        codes = (AlertCode.CORRUPT_DOCUMENT, AlertCode.ITEM_LEFT_OUT)
        return [cause for code in codes for cause in through_revisions(self.plan.run, code, item)]


def _told_the_end(
    documents: Documents, clock: Clock, callbacks: Callbacks, plan: Plan
) -> RunState | None:
    """Return a finished run's state after telling every execution whose waiting is over.

    A run that ends may have taken over older revisions, whose executions wait as well.
    """
    state = finished_state(plan, read_records(documents, plan))
    if state is None:
        return None
    call_back(documents, clock, callbacks, plan, state)
    for older in plan.run.revisions[:-1]:
        before = plan_of(documents, older)
        if finished_state(before, read_records(documents, before)) is RunState.SUPERSEDED:
            call_back(documents, clock, callbacks, before, RunState.SUPERSEDED)
    return state
