"""The desk changes a bid: a new version of it, checked and approved anew, with who changed it and why."""

from __future__ import annotations

from dataclasses import dataclass

from hydrobid.bidding.editing import edited
from hydrobid.domain.approval import ApprovalMode, Override, same_person
from hydrobid.domain.bid_edits import BidEdit, ComputedEdit
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import BidChanged, BidFaulty, Contended, InvalidInput
from hydrobid.domain.holds import Act
from hydrobid.domain.identifiers import PriceArea, RunId
from hydrobid.domain.messages import ApprovalDecided
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, AssetRecord, Finding
from hydrobid.domain.states import Actor, AreaState, Entity, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import resolve_alerts
from hydrobid.pipeline.approval_alerts import decided_elsewhere, telling_of_approval
from hydrobid.pipeline.area_records import area_at, check_content, check_open
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.check_auction import Asked, auction_findings
from hydrobid.pipeline.check_bid import check_bid, faulty
from hydrobid.pipeline.check_energy import background_of
from hydrobid.pipeline.merge_area import telling_of_area
from hydrobid.pipeline.order_records import came_too_late, has_newer, order_at, want, wanting
from hydrobid.pipeline.ports import Clock, Documents, Messages, Transaction
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.rule_approval import approval_by_rule
from hydrobid.pipeline.run_inputs import configuration_in, plan_of

NOT_ASKED_HERE = "it said nothing when the bid was computed, and the desk has no account there"


@dataclass(frozen=True)
class Change:
    """What a person changes. replaced: digest of the bid that they looked at, None for none."""

    run: RunId
    price_area: PriceArea
    replaced: str | None
    edit: BidEdit
    act: Act


def override_bid(
    documents: Documents, clock: Clock, messages: Messages, change: Change
) -> AreaRecord:
    """Return the record of a bid as a person has changed it.

    A bid that stopped at its checks may be changed as well. What is solved later does not take the
    place of a change, nor does a bid that only a rule would approve. The same change again does
    nothing more, and tells submission again where it was approved.

    Raises:
        InvalidInput: faults of the edit. BidFaulty: the changed bid does not pass its checks. In
        both cases nothing was written. NotFound, BidChanged, GateClosed: as for a decision.
    """
    plan = plan_of(documents, change.run)
    current = area_at(documents, plan, change.price_area)
    if current.override is None or current.override.replaced != change.replaced:
        check_content(current, change.replaced)
    # Were it refused by the exchange, what was approved before it has to be known.
    want(documents, clock, plan, current)
    desk = _Desk.checked(documents, clock, plan, change, current)
    record = documents.transact(desk.override)
    resolve_alerts(documents, clock, decided_elsewhere(record))
    if record.approval is not None:
        messages.publish(
            ApprovalDecided(client=plan.client, run=plan.run, price_area=change.price_area)
        )
    return record


@dataclass(frozen=True)
class _Desk:
    """A change that has passed the checks. matrix: digest of the bid with it."""

    clock: Clock
    configuration: ClientConfiguration
    plan: Plan
    change: Change
    matrix: str
    findings: tuple[Finding, ...]

    @classmethod
    def checked(
        cls, documents: Documents, clock: Clock, plan: Plan, change: Change, current: AreaRecord
    ) -> _Desk:
        configuration, area = configuration_in(documents, plan), change.price_area
        matrix = _changed_bid(documents, configuration, plan, change, current)
        background = background_of(documents, configuration, plan, area)
        assets = {
            asset.asset: AssetRecord.from_document(stored)
            for asset in plan.assets_in(area)
            if (stored := documents.get(paths.asset(plan.run, asset.asset))) is not None
        }
        asked = Asked(current.auction, NOT_ASKED_HERE)
        findings = (
            *check_bid(configuration, plan, area, matrix, assets, background),
            *auction_findings(configuration.market, plan, area, matrix, asked),
        )
        if faulty(findings):
            rules = (f"{f.where}: {f.rule}" for f in findings if f.severity == "error")
            raise BidFaulty(
                f"the changed bid for {area} does not pass its checks: {'; '.join(rules)}",
                findings=[finding.to_document() for finding in findings],
            )
        digest = put_blob(documents, matrix.to_document())
        return cls(clock, configuration, plan, change, digest, findings)

    def override(self, transaction: Transaction) -> AreaRecord:
        """Return the record after the change; it is left as it is where that was made before."""
        area, plan = self.change.price_area, self.plan
        before = area_at(transaction, plan, area)
        if self._made_before(before):
            return before
        check_content(before, self.change.replaced)
        check_open(self.clock, plan)
        order = order_at(transaction, paths.order(plan.run, plan.portfolio, area))
        if has_newer(order, before):
            raise BidChanged(f"a newer bid for {area} was approved already", price_area=area)
        if came_too_late(before, order):
            raise Contended(f"the bid for {area} was approved this moment", price_area=area)
        check_transition(Entity.AREA, before.state, AreaState.VALIDATED, Actor.DESK)
        record, writes = record_writes(
            paths.area(plan.run, plan.portfolio, area),
            self._changed(before),
            before,
            run=plan.run,
            event="area-overridden",
            actor=Actor.DESK,
            clock=self.clock,
            data={
                "bid_version": before.bid_version + 1,
                "matrix": self.matrix,
                "replaced": before.matrix,
                **self.change.act.to_document(),
            },
        )
        told = (
            *telling_of_area(transaction, self.clock, record),
            *telling_of_approval(transaction, self.clock, self.configuration, before, record),
        )
        _, wanted = wanting(transaction, self.clock, plan, record)
        transaction.write(*writes, *wanted, *told)
        return record

    def _made_before(self, record: AreaRecord) -> bool:
        override = record.override
        same = override is not None and same_person(override.by, self.change.act.by)
        return same and record.matrix == self.matrix

    def _changed(self, before: AreaRecord) -> AreaRecord:
        by_rule = self.configuration.approval is ApprovalMode.AUTOMATIC
        act = dict(self.change.act)
        return before.model_copy(
            update={
                "bid_version": before.bid_version + 1,
                "state": AreaState.VALIDATED,
                "matrix": self.matrix,
                "findings": self.findings,
                "override": Override(
                    at=self.clock.now(), replaced=before.matrix, computed=_computed(before), **act
                ),
                "signatures": (),
                "approval": approval_by_rule(self.clock, self.matrix) if by_rule else None,
            }
        )


def _changed_bid(
    documents: Documents,
    configuration: ClientConfiguration,
    plan: Plan,
    change: Change,
    current: AreaRecord,
) -> BidMatrix:
    edit, replaced = change.edit, change.replaced
    if isinstance(edit, ComputedEdit):
        computed = _computed(current)
        if computed is None:
            raise InvalidInput.of("request", "edit.kind", edit.kind, "a bid that was computed")
        return BidMatrix.from_document(get_blob(documents, computed))
    old = None if replaced is None else BidMatrix.from_document(get_blob(documents, replaced))
    return edited(old, configuration.market, change.price_area, plan.run.day, edit)


def _computed(record: AreaRecord) -> str | None:
    """Return the digest of what was computed, however often it was changed since."""
    return record.matrix if record.override is None else record.override.computed
