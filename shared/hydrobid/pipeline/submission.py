"""The work on one run's bids: its assets settled, its price areas merged, their orders reconciled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import CorruptDocument, HydrobidError
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import Actor, RunState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.aggregate_asset import settle_asset
from hydrobid.pipeline.alerts import Still, raise_alert, resolve_alerts, through_revisions
from hydrobid.pipeline.approval_silence import act_on_silence
from hydrobid.pipeline.merge_area import merge_area
from hydrobid.pipeline.order_records import came_too_late, has_newer, want
from hydrobid.pipeline.ports import Clock, Documents, Exchange
from hydrobid.pipeline.read_run import Records, finished_state, read_records
from hydrobid.pipeline.reconcile_order import reconcile_order
from hydrobid.pipeline.run_inputs import configuration_in
from hydrobid.pipeline.settling import begun, settling_order

T = TypeVar("T", bound=str)

CRASHED, UNENDED = "CRASHED", "UNENDED"
"""Why an item was left out, where that is no error of ours that has a code."""


@dataclass(frozen=True)
class Submission:
    """The work on one run. One asset or area that fails does not keep the others back.

    failed: what a redelivery could mend, or nobody foresaw, to be raised when all else is done.
    """

    documents: Documents
    clock: Clock
    exchange: Exchange
    plan: Plan
    holder: str
    failed: list[Exception] = field(default_factory=list)

    def end(self, cut_off: str, *, silence: bool) -> None:
        """Settle every asset that could still be better than its record is, and submit all areas.

        silence: whether nobody having decided counts as silence by now.
        """
        records = read_records(self.documents, self.plan)
        if finished_state(self.plan, records) is RunState.SUPERSEDED:
            return
        at_once, last = settling_order(self.documents, self.plan, records, self.clock.now())
        self._settle(at_once, records, cut_off, noted=False)
        # Those that a later run has whole are not left out any more.
        complete = sorted({asset.asset for asset in self.plan.assets} - {*at_once, *last})
        resolve_alerts(self.documents, self.clock, self._left_out(complete))
        self.submit(self.plan.price_areas, at_cut_off=True, silence=silence)
        for asset in set(last) - records.assets.keys():
            self._alert_unended(asset)
        moved = self._settle(last, records, cut_off, noted=True)
        self.submit(moved, at_cut_off=True, silence=silence)

    def submit(
        self, areas: Sequence[PriceArea], *, at_cut_off: bool = False, silence: bool = False
    ) -> None:
        """Bring price areas as far as they can go."""
        self._each(areas, lambda area: self._submit_area(area, at_cut_off, silence))

    def reconcile(self, areas: Sequence[PriceArea]) -> None:
        """Bring orders that are there in line with what is wanted."""
        plan = self.plan

        def reconcile_one(area: PriceArea) -> None:
            stored = self.documents.get(paths.order(plan.run, plan.portfolio, area))
            if stored is not None:
                self._reconcile(OrderRecord.from_document(stored))

        self._each(areas, reconcile_one)

    def raise_failed(self) -> None:
        """Raise what has failed, first of all what nobody foresaw: it is told where it is raised."""
        unforeseen = [error for error in self.failed if not isinstance(error, HydrobidError)]
        if self.failed:
            raise (unforeseen or self.failed)[0]

    @cached_property
    def _market(self) -> Market:
        return configuration_in(self.documents, self.plan).market

    def _settle(
        self, assets: Sequence[AssetId], records: Records, cut_off: str, *, noted: bool
    ) -> list[PriceArea]:
        """Settle assets; return the price areas of those that are not as in the records any more."""
        documents, plan = self.documents, self.plan
        moved: set[PriceArea] = set()

        def settle_one(asset: AssetId) -> None:
            cause, before = f"{cut_off}-cut-off", records.assets.get(asset)
            with begun(documents, plan, records, asset, noted=noted):
                record = settle_asset(
                    documents, self.clock, plan, asset, cause=cause, actor=Actor.SUBMISSION
                )
            if before is None or record.version != before.version:
                moved.add(record.price_area)

        self._each(assets, settle_one)
        return sorted(moved)

    def _submit_area(self, price_area: PriceArea, at_cut_off: bool, silence: bool) -> None:
        documents, clock, plan = self.documents, self.clock, self.plan
        area = merge_area(documents, clock, self.exchange, plan, price_area, at_cut_off=at_cut_off)
        if area is None:
            return
        # After the gate no cut-off may come any more that would have a late bid expire.
        if silence or clock.now() >= plan.cut_offs.gate:
            act_on_silence(documents, clock, plan, price_area)
        order = want(documents, clock, plan, area)
        if order is not None:
            self._reconcile(order)
        if came_too_late(area, order) and not has_newer(order, area):
            self._alert_gate_missed(price_area)

    def _reconcile(self, order: OrderRecord) -> None:
        ports = (self.documents, self.clock, self.exchange)
        reconcile_order(*ports, self._market, self.plan, order, self.holder)

    def _each(self, items: Iterable[T], act: Callable[[T], None]) -> None:
        """Act on every item, alert to what is left out, and keep what is to be raised."""
        done: list[T] = []
        for item in items:
            try:
                act(item)
                done.append(item)
            except HydrobidError as error:
                if error.retryable:
                    self.failed.append(error)
                else:
                    self._alert(item, error.message, error.as_document())
            except Exception as error:  # noqa: BLE001 - it is raised when the others are done
                self.failed.append(error)
                kind = type(error).__name__
                self._alert(
                    item, f"{kind}, which nobody foresaw", {"code": CRASHED, "message": kind}
                )
        resolve_alerts(self.documents, self.clock, self._left_out(done))

    def _alert_gate_missed(self, price_area: PriceArea) -> None:
        raise_alert(
            self.documents,
            self.clock,
            Cause(str(self.plan.run), AlertCode.GATE_MISSED, price_area),
            f"the bid for {price_area} was approved only after the gate had closed",
            {"price_area": price_area, "gate": utc_text(self.plan.cut_offs.gate)},
        )

    def _alert_unended(self, asset: AssetId) -> None:
        """Tell that an asset is not in its bid, where it still has no record."""
        path = paths.asset(self.plan.run, asset)
        why = "whoever settled it came to no end, as where a process is killed"
        self._alert(asset, why, {"code": UNENDED}, still=lambda t: t.get(path) is None)

    def _alert(
        self, item: str, why: str, error: dict[str, Any], still: Still = lambda _: True
    ) -> None:
        corrupt = error["code"] == CorruptDocument.code
        code = AlertCode.CORRUPT_DOCUMENT if corrupt else AlertCode.ITEM_LEFT_OUT
        raise_alert(
            self.documents,
            self.clock,
            Cause(str(self.plan.run), code, item),
            f"{item} was left out: {why}",
            {"subject": item, "error": error},
            still=still,
        )

    def _left_out(self, items: Iterable[str]) -> list[Cause]:
        """Return what may have been told of items that were left out before."""
        codes = (AlertCode.CORRUPT_DOCUMENT, AlertCode.ITEM_LEFT_OUT)
        return [
            cause
            for item in items
            for code in codes
            for cause in through_revisions(self.plan.run, code, item)
        ]
