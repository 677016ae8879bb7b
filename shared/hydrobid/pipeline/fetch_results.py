"""After the gate: what the auctions came to is fetched, kept, and held against the bids that stood.

A tick every few minutes asks for every day whose results are not final yet. What was published is
kept, also where it is not what the bid should have sold: it is the obligation. A newer content, as
the final one after a preliminary, is the next version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from hydrobid.bidding.clearing import cleared
from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import HydrobidError
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import Finding
from hydrobid.domain.results import AuctionResult, PublishedResult
from hydrobid.domain.states import Actor
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import raise_alert, raising, resolve_alerts, resolving
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.check_result import check_result
from hydrobid.pipeline.closed_days import closed_days
from hydrobid.pipeline.order_records import order_at
from hydrobid.pipeline.ports import Clock, Documents, Exchange, Transaction, Write
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.read_run import newest_run
from hydrobid.pipeline.recording import record_writes, was_written
from hydrobid.pipeline.run_inputs import configuration_in, plan_of
from hydrobid.schema import configuration_of

MOST_TOLD = 10


def fetch_results(
    documents: Documents, clock: Clock, exchange: Exchange
) -> tuple[AuctionResult, ...]:
    """Return the results that were found and kept now.

    Safe to repeat: a result that is final is not asked for again. One day or price area that fails
    does not keep the others from being fetched.

    Raises:
        HydrobidError: the first failure, after all else is done; the next tick tries again.
    """
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    found: list[AuctionResult] = []
    failures: list[HydrobidError] = []
    for day in closed_days(configuration, clock.now()):
        run = newest_run(documents, configuration.market.id, day)
        if run is None:
            continue
        try:
            plan = plan_of(documents, run)
            fetch = _Fetch(documents, clock, exchange, plan, configuration_in(documents, plan))
        except HydrobidError as error:
            failures.append(error)
            continue
        for area in plan.price_areas:
            try:
                result = fetch.fetch(area)
            except HydrobidError as error:
                failures.append(error)
                fetch.tell_if_overdue(area, error.message)
            else:
                found += [] if result is None else [result]
    if failures:
        raise failures[0]
    return tuple(found)


@dataclass(frozen=True)
class _Fetch:
    """The results of one delivery day."""

    documents: Documents
    clock: Clock
    exchange: Exchange
    plan: Plan
    configuration: ClientConfiguration

    def fetch(self, area: PriceArea) -> AuctionResult | None:
        """Return a price area's result if a new content was published."""
        plan, market = self.plan, self.configuration.market
        known = result_of(self.documents, market.id, plan.run.day, plan.portfolio, area)
        if known is not None and known.published.status == "final":
            self._tell_of_final(area)
            return None
        auction = self.exchange.auction(market, plan.run.day)
        published = self.exchange.result(market, plan.run.day, auction, plan.portfolio, area)
        if published is None:
            self.tell_if_overdue(area, "the exchange has not published them")
            return None
        new = known is None or known.content != published.digest()
        kept = self._keep(area, published) if new else None
        if published.status == "final":
            self._tell_of_final(area)
        else:
            self.tell_if_overdue(area, "those that are published are preliminary")
        return kept

    def tell_if_overdue(self, area: PriceArea, why: str) -> None:
        """Raise that a price area's results should be there by now."""
        gate = self.plan.cut_offs.gate
        due = gate + timedelta(seconds=self.configuration.stages.results)
        if self.clock.now() < due:
            return
        raise_alert(
            self.documents,
            self.clock,
            self._overdue(area),
            f"no final results for {area}, expected by {utc_text(due)}: {why}",
            {"price_area": area, "gate": utc_text(gate), "expected_by": utc_text(due)},
        )

    def _tell_of_final(self, area: PriceArea) -> None:
        resolve_alerts(self.documents, self.clock, [self._overdue(area)])

    def _keep(self, area: PriceArea, published: PublishedResult) -> AuctionResult:
        """Write a result, with what follows of it, as the next version of its document."""
        plan, market = self.plan, self.configuration.market
        order = order_at(self.documents, paths.order(plan.run, plan.portfolio, area))
        bid = _bid_of(self.documents, order)
        ours = order is None or order.standing is None or bid is not None
        findings = check_result(market, bid, published) if ours else ()
        content = AuctionResult.of(
            market.id,
            plan.run.day,
            self.clock.now(),
            published,
            run=None if order is None or order.stood is None else order.stood.run,
            matrix=None if bid is None else bid.digest(),
            expected=_expected(bid, published, self.configuration),
        )
        path = paths.result(market.id, plan.run.day, plan.portfolio, area)
        tried: AuctionResult | None = None

        def write(transaction: Transaction) -> AuctionResult:
            nonlocal tried
            if tried is not None and was_written(transaction, path, tried):
                return tried
            before = result_of(transaction, market.id, plan.run.day, plan.portfolio, area)
            if before is not None and before.content == content.content:
                return before
            told = self._alert(transaction, area, findings)
            record, writes = record_writes(
                path,
                content,
                before,
                run=plan.run,
                event=f"result-{published.status}",
                actor=Actor.SUBMISSION,
                clock=self.clock,
                data={
                    "content": content.content,
                    "matrix": content.matrix,
                    "mismatches": len(findings),
                },
            )
            transaction.write(*writes, *told)
            tried = record
            return record

        return self.documents.transact(write)

    def _alert(
        self, transaction: Transaction, area: PriceArea, findings: tuple[Finding, ...]
    ) -> tuple[Write, ...]:
        """Tell, in one transaction with the result, that it is not what the bid should have sold."""
        cause = Cause(str(self.plan.run), AlertCode.RESULT_MISMATCH, area)
        if not findings:
            return resolving(transaction, self.clock, cause)
        first = findings[0]
        return raising(
            transaction,
            self.clock,
            cause,
            f"the result for {area} is not what its bid should have come to, in {len(findings)} "
            f"places; the first: {first.where}: {first.value}; rule: {first.rule}",
            {
                "price_area": area,
                "findings": [finding.to_document() for finding in findings[:MOST_TOLD]],
                "count": len(findings),
            },
        )

    def _overdue(self, area: PriceArea) -> Cause:
        return Cause(str(self.plan.run), AlertCode.RESULTS_OVERDUE, area)


def _bid_of(documents: Documents, order: OrderRecord | None) -> BidMatrix | None:
    """Return the bid of ours that stood at the last look, None where none did.

    It is the curves alone of one whose blocks never came to stand.
    """
    if order is None or order.standing is None:
        return None
    if order.stood is not None:
        return _content(documents, order.stood.matrix)
    halves = (
        _content(documents, known.matrix).without_blocks for known in reversed(order.approved)
    )
    return next((half for half in halves if half.digest() == order.standing.matrix), None)


def _content(documents: Documents, matrix: str) -> BidMatrix:
    return BidMatrix.from_document(get_blob(documents, matrix))


def _expected(
    bid: BidMatrix | None, published: PublishedResult, configuration: ClientConfiguration
) -> tuple[float, ...] | None:
    """Return what a bid's curves sell at the published prices, and its accepted blocks."""
    if bid is None or bid.grid != published.grid:
        return None
    curves = cleared(bid, np.array(published.prices), configuration.market)
    names = {block.name for block in bid.blocks}
    blocks = [np.array(trade.volumes) for trade in published.trades if trade.name in names]
    sold = np.sum([curves, *blocks], axis=0)
    return tuple(rounded(volume, POWER_DECIMALS) for volume in sold)
