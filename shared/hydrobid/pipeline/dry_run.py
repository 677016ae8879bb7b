"""A bid held against all that the exchange says, and the request that would be sent; nothing is placed.

Nord Pool's Auction API has no call that only validates an order. So the auction, its contracts and limits,
the portfolio's rights and the order that stands are read, the bid is held against all of them, and the very
request is made that sending would make. The desk asks, and submission does it: the account is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.dry_runs import DryRun
from hydrobid.domain.errors import ExchangeDenied, ExchangeRefused, NotFound, ServiceUnavailable
from hydrobid.domain.holds import Act
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import DryRunAsked
from hydrobid.domain.orders import OrderRecord, Wanted
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, Finding
from hydrobid.domain.states import Actor
from hydrobid.pipeline import paths
from hydrobid.pipeline.area_records import area_at, check_content
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.check_auction import Asked, auction_findings
from hydrobid.pipeline.check_bid import market_findings
from hydrobid.pipeline.check_terms import view_of
from hydrobid.pipeline.decide_approval import NamedBid
from hydrobid.pipeline.order_acts import steps_to
from hydrobid.pipeline.order_records import order_at, stopped_by
from hydrobid.pipeline.ports import (
    Clock,
    Document,
    Documents,
    Exchange,
    Messages,
    Transaction,
)
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import configuration_in, plan_of


def ask_dry_run(
    documents: Documents, clock: Clock, messages: Messages, bid: NamedBid, act: Act
) -> DryRun:
    """Return a dry run of a bid as it was asked for; submission does it.

    Raises:
        NotFound: no such run or price area. BidChanged: the bid is another by now.
    """
    plan = plan_of(documents, bid.run)

    def ask(transaction: Transaction) -> DryRun:
        before = dry_run_at(transaction, plan, bid.price_area)
        check_content(area_at(transaction, plan, bid.price_area), bid.matrix)
        asked = DryRun(
            run=plan.run,
            portfolio=plan.portfolio,
            price_area=bid.price_area,
            matrix=bid.matrix,
            asked=act,
            at=clock.now(),
        )
        told = {"matrix": bid.matrix, **act.to_document()}
        return _written(transaction, clock, asked, before, "dry-run-asked", Actor.DESK, told)

    asked = documents.transact(ask)
    messages.publish(
        DryRunAsked(
            client=plan.client, run=plan.run, price_area=bid.price_area, version=asked.version
        )
    )
    return asked


def do_dry_run(
    documents: Documents, clock: Clock, exchange: Exchange, message: DryRunAsked
) -> DryRun:
    """Return a dry run that was asked for, with what came of it; one that was done is left as it is.

    Raises:
        NotFound: no such run, or nobody asked.
    """
    plan = plan_of(documents, message.run)
    asked = dry_run_at(documents, plan, message.price_area)
    if asked is None:
        raise NotFound(f"nobody asked for a dry run of {message.price_area}", run=str(plan.run))
    if asked.state == "DONE" or asked.version != message.version:
        return asked
    area = area_at(documents, plan, message.price_area)
    trial = _Trial(documents, exchange, configuration_in(documents, plan), plan, area, clock.now())
    found = trial.held_against(BidMatrix.from_document(get_blob(documents, asked.matrix)))

    def tell(transaction: Transaction) -> DryRun:
        before = dry_run_at(transaction, plan, message.price_area)
        if before is None or before != asked:
            return before or asked
        done = asked.model_copy(update={"state": "DONE", **found})
        told = {
            "by": done.asked.by,
            "matrix": done.matrix,
            "acts": list(done.acts),
            "requests": done.requests,
            "findings": [finding.to_document() for finding in done.findings],
        }
        return _written(transaction, clock, done, before, "dry-run-done", Actor.SUBMISSION, told)

    return documents.transact(tell)


def dry_run_at(at: Documents | Transaction, plan: Plan, price_area: PriceArea) -> DryRun | None:
    """Return the newest dry run of a price area, None where there is none."""
    stored = at.get(paths.dry_run(plan.run, plan.portfolio, price_area))
    return None if stored is None else DryRun.from_document(stored)


def requests_in(documents: Documents, dry_run: DryRun) -> list[Document]:
    """Return the requests that a dry run has kept, in the order in which they would be sent."""
    if dry_run.requests is None:
        return []
    requests: list[Document] = get_blob(documents, dry_run.requests)
    return requests


@dataclass(frozen=True)
class _Trial:
    """A bid's way to the exchange, up to the door."""

    documents: Documents
    exchange: Exchange
    configuration: ClientConfiguration
    plan: Plan
    area: AreaRecord
    now: datetime

    def held_against(self, matrix: BidMatrix) -> dict[str, Any]:
        """Return the fields of a dry run that is done."""
        market, plan, place = self.configuration.market, self.plan, self.area.price_area
        findings = [*market_findings(market, plan.run.day, matrix), *self._kept_back()]
        try:
            auction = self.exchange.auction(market, plan.run.day)
            terms = self.exchange.terms(market, plan.run.day, auction, plan.portfolio, place)
            standing = self.exchange.standing_orders(
                market, plan.run.day, auction, plan.portfolio, place
            )
        except (ServiceUnavailable, ExchangeDenied) as error:
            unknown = Asked(None, error.message)
            findings += auction_findings(market, plan, place, matrix, unknown)
            return {"findings": tuple(findings)}
        view = view_of(market, plan.run.day, auction, terms, self.now)
        findings += auction_findings(market, plan, place, matrix, Asked(view))
        stands = [order.order_id for order in standing.blocks]
        if standing.curves is not None:
            stands.insert(0, standing.curves.order_id)
        steps = tuple(steps_to(standing, matrix))
        found: dict[str, Any] = {
            "acts": tuple(str(step.act) for step in steps),
            "standing": tuple(stands),
            "auction": view,
        }
        comment = self._wanted(matrix).comment
        try:
            requests = [
                self.exchange.request_for(auction, plan.portfolio, step, matrix, comment)
                for step in steps
            ]
            found["requests"] = put_blob(self.documents, requests)
        except (ExchangeRefused, ExchangeDenied) as error:
            findings.append(
                Finding(
                    code="EXCHANGE_REQUEST",
                    severity="error",
                    where=place,
                    value=error.message,
                    rule="the request is of the form that the exchange describes",
                )
            )
        return {**found, "findings": tuple(findings)}

    def _wanted(self, matrix: BidMatrix) -> Wanted:
        return Wanted(run=self.plan.run, bid_version=self.area.bid_version, matrix=matrix.digest())

    def _kept_back(self) -> Iterator[Finding]:
        """Yield a warning where a hold would keep the bid from being sent."""
        path = paths.order(self.plan.run, self.plan.portfolio, self.area.price_area)
        order = order_at(self.documents, path) or OrderRecord(
            run=self.plan.run, portfolio=self.plan.portfolio, price_area=self.area.price_area
        )
        held = order.model_copy(update={"stopped": stopped_by(self.documents)}).held_words
        if held is not None:
            yield Finding(
                code="ORDER_HELD",
                severity="warning",
                where=self.area.price_area,
                value=held,
                rule="no hold keeps the order from the exchange",
            )


def _written(
    transaction: Transaction,
    clock: Clock,
    after: DryRun,
    before: DryRun | None,
    event: str,
    actor: Actor,
    told: dict[str, Any],
) -> DryRun:
    path = paths.dry_run(after.run, after.portfolio, after.price_area)
    record, writes = record_writes(
        path,
        after,
        before,
        run=after.run,
        event=event,
        actor=actor,
        clock=clock,
        data=told,
    )
    transaction.write(*writes)
    return record
