"""What members may do at the exchange, and what it answers: the use cases behind the API.

Decisions that the public description of the API leaves open, taken here:
- A PATCH changes the curves that it names and keeps the others, as the starter kit describes it
  ("new curves will be added"); an empty list cancels the order; a missing comment keeps the old one.
- A cancelled order is over: it stays listed, it cannot be changed, and a new one may take its place.
- Whose gate has shut hears of that before anything that is wrong with the order itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulators.clock import MarketClock
from emulators.exchange.auth import User
from emulators.exchange.market import Auction, AuctionState, Calendar
from emulators.exchange.market_file import MarketRules, Permission, Portfolio
from emulators.exchange.orders import Curve, CurveOrder, OrderBook, OrderState, Slot
from emulators.exchange.problems import Finding, Problem, ProblemType, summary
from emulators.exchange.reasonability import Judgement, judge, state_of_new_version
from emulators.exchange.validation import check_curves

LONGEST_SEARCH = timedelta(days=31)


@dataclass(frozen=True)
class OrderFilter:
    """Which orders of an auction are asked for; an empty collection asks for all."""

    portfolios: Collection[str] = ()
    areas: Collection[str] = ()

    def admits(self, slot: Slot) -> bool:
        """Return whether an order in this slot is asked for."""
        return (not self.portfolios or slot.portfolio in self.portfolios) and (
            not self.areas or slot.area_code in self.areas
        )


class Exchange:
    """One exchange: a market, its orders, and the clock that opens and closes its gates."""

    def __init__(self, rules: MarketRules, book: OrderBook, clock: MarketClock) -> None:
        self.rules = rules
        self._book = book
        self._clock = clock
        self._calendar = Calendar(rules)
        self._portfolios = {portfolio.name: portfolio for portfolio in rules.portfolios}

    def now(self) -> datetime:
        """Return the market's present."""
        return self._clock.now()

    def portfolio(self, name: str) -> Portfolio:
        """Return the portfolio of an order that the exchange holds."""
        return self._portfolios[name]

    def portfolios_of(self, user: User) -> list[Portfolio]:
        """Return the portfolios that a user may see, as the market lists them."""
        return [p for p in self.rules.portfolios if p.name in user.portfolios]

    def auctions_closing_between(self, start: datetime, end: datetime) -> list[Auction]:
        """Return the auctions whose bidding closes in `[start, end]`, both aware instants."""
        if end < start:
            raise _invalid("closeBiddingTo", "has to be no earlier than closeBiddingFrom")
        if end - start > LONGEST_SEARCH:
            raise _invalid("closeBiddingTo", f"is more than {LONGEST_SEARCH.days} days later")
        return list(self._calendar.closing_between(start, end))

    def auction(self, auction_id: str) -> Auction:
        """Return an auction by its id."""
        auction = self._calendar.auction(auction_id)
        if auction is None:
            raise Problem(ProblemType.NOT_FOUND, f"There is no auction {auction_id!r}")
        return auction

    def place(
        self, user: User, slot: Slot, curves: Sequence[Curve], comment: str | None
    ) -> CurveOrder:
        """Place the one curve order of a slot and return it, or say everything that forbids it."""
        auction = self.auction(slot.auction_id)
        portfolio = self._writable(user, slot.portfolio)
        with self._book.transaction():
            now = self._open_at(auction)
            self._check(auction, portfolio, slot, curves)
            standing = self._book.standing(slot)
            if standing is not None:
                raise _order_exists(standing)
            order = CurveOrder(
                order_id=self._book.new_order_id(slot),
                slot=slot,
                version=1,
                state=state_of_new_version(slot, curves, self.rules.reasonability),
                modifier=user.name,
                modified=now,
                comment=comment,
                curves=tuple(curves),
            )
            self._book.append(order)
        return order

    def change(
        self, user: User, order_id: uuid.UUID, curves: Sequence[Curve] | None, comment: str | None
    ) -> CurveOrder:
        """Change or cancel a standing order and return its new version."""
        if curves is None and comment is None:
            raise _invalid("curves", "neither curves nor a comment: there is nothing to change")
        with self._book.transaction():
            order = self.order(user, order_id)
            auction = self.auction(order.slot.auction_id)
            portfolio = self._writable(user, order.slot.portfolio)
            now = self._open_at(auction)
            if order.state is OrderState.CANCELLED:
                detail = f"Order {order_id} is cancelled and cannot be changed; place a new one"
                raise Problem(ProblemType.ORDER_CANCELLED, detail)
            version = _successor(order, user, now, comment)
            if curves is not None and not curves:
                version = replace(version, state=OrderState.CANCELLED, curves=())
            elif curves:
                self._check(auction, portfolio, order.slot, curves)
                merged = _merged(order.curves, curves, auction)
                state = state_of_new_version(order.slot, merged, self.rules.reasonability)
                version = replace(version, state=state, curves=merged)
            self._book.append(version)
        return version

    def cancel(self, user: User, auction_id: str, portfolios: Collection[str]) -> list[uuid.UUID]:
        """Cancel all standing orders of these portfolios in an auction; return their ids."""
        auction = self.auction(auction_id)
        for name in portfolios:
            self._writable(user, name)
        with self._book.transaction():
            now = self._open_at(auction)
            cancelled = [
                order
                for order in self._book.of_auction(auction_id)
                if order.slot.portfolio in portfolios and order.state is not OrderState.CANCELLED
            ]
            for order in cancelled:
                version = _successor(order, user, now, comment=None)
                self._book.append(replace(version, state=OrderState.CANCELLED, curves=()))
        return [order.order_id for order in cancelled]

    def cancel_all(self, user: User, auction_id: str) -> list[uuid.UUID]:
        """Cancel what the user may cancel in an auction; return the ids of the orders."""
        mine = [p.name for p in self.portfolios_of(user) if p.permission is Permission.WRITE]
        return self.cancel(user, auction_id, mine)

    def orders(self, user: User, auction_id: str, wanted: OrderFilter) -> list[CurveOrder]:
        """Return the newest versions of the user's orders in an auction, cancelled ones too."""
        auction = self.auction(auction_id)
        mine = {portfolio.name for portfolio in self.portfolios_of(user)}
        return [
            _as_shown(order, auction, self.now())
            for order in self._book.of_auction(auction_id)
            if order.slot.portfolio in mine and wanted.admits(order.slot)
        ]

    def order(self, user: User, order_id: uuid.UUID) -> CurveOrder:
        """Return the newest version of one of the user's orders."""
        order = self._book.latest(order_id)
        if order is None or order.slot.portfolio not in {p.name for p in self.portfolios_of(user)}:
            raise _no_order(order_id)
        return _as_shown(order, self.auction(order.slot.auction_id), self.now())

    def versions(self, user: User, order_id: uuid.UUID) -> list[CurveOrder]:
        """Return all versions of one of the user's orders, oldest first, as they were accepted."""
        self.order(user, order_id)
        return self._book.versions(order_id)

    def judgement(
        self, user: User, auction_id: str, order_id: uuid.UUID
    ) -> tuple[CurveOrder, Judgement]:
        """Return an order of an auction with the outcome of its reasonability check."""
        auction = self.auction(auction_id)
        order = self.order(user, order_id)
        if order.slot.auction_id != auction_id:
            raise _no_order(order_id)
        return order, judge(order, auction, self.rules.reasonability)

    def _open_at(self, auction: Auction) -> datetime:
        """Return the present, at which the auction takes orders."""
        now = self.now()
        state = auction.state(now)
        if state is not AuctionState.OPEN:
            detail = (
                f"Auction {auction.id} is {state}: bidding closed at "
                f"{auction.close_for_bidding.isoformat()}, it is {now.isoformat()}"
            )
            raise Problem(ProblemType.AUCTION_NOT_OPEN, detail)
        return now

    def _writable(self, user: User, name: str) -> Portfolio:
        portfolio = self._portfolios.get(name) if name in user.portfolios else None
        if portfolio is None:
            raise _forbidden(f"{user.name} has no portfolio {name!r}")
        if portfolio.permission is not Permission.WRITE:
            raise _forbidden(f"Portfolio {name!r} has permission {portfolio.permission}, not WRITE")
        return portfolio

    def _check(
        self, auction: Auction, portfolio: Portfolio, slot: Slot, curves: Sequence[Curve]
    ) -> None:
        findings = list(self._findings(auction, portfolio, slot, curves))
        if findings:
            raise Problem(ProblemType.INVALID_ORDER, summary(findings), findings=findings)

    def _findings(
        self, auction: Auction, portfolio: Portfolio, slot: Slot, curves: Sequence[Curve]
    ) -> Iterator[Finding]:
        if not curves:
            yield Finding("curves", "an order has at least one curve")
        area = portfolio.area(slot.area_code)
        if area is None:
            codes = ", ".join(area.code for area in portfolio.areas)
            message = f"portfolio {portfolio.name!r} trades in {codes}, not in {slot.area_code!r}"
            yield Finding("areaCode", message)
        else:
            yield from check_curves(curves, auction=auction, rules=self.rules, area=area)


def _successor(order: CurveOrder, user: User, now: datetime, comment: str | None) -> CurveOrder:
    return replace(
        order,
        version=order.version + 1,
        modifier=user.name,
        modified=now,
        comment=order.comment if comment is None else comment,
    )


def _merged(
    standing: Sequence[Curve], changed: Sequence[Curve], auction: Auction
) -> tuple[Curve, ...]:
    """Return the standing curves with the changed ones in their place, by time of delivery."""
    by_contract = {curve.contract_id: curve for curve in (*standing, *changed)}
    return tuple(sorted(by_contract.values(), key=lambda c: auction.time_steps[c.contract_id]))


def _as_shown(order: CurveOrder, auction: Auction, now: datetime) -> CurveOrder:
    """Return the order with the state that a reader sees once results are out."""
    published = auction.state(now) is AuctionState.RESULTS_PUBLISHED
    if published and order.state is not OrderState.CANCELLED:
        return replace(order, state=OrderState.RESULTS_PUBLISHED)
    return order


def _order_exists(standing: CurveOrder) -> Problem:
    slot = standing.slot
    detail = (
        f"Curve order {standing.order_id} of {slot.portfolio} in {slot.area_code} stands in "
        f"auction {slot.auction_id}: change that one"
    )
    extra = {"orderId": str(standing.order_id)}
    return Problem(ProblemType.ORDER_EXISTS, detail, extra=extra)


def _no_order(order_id: uuid.UUID) -> Problem:
    return Problem(ProblemType.NOT_FOUND, f"There is no order {order_id}")


def _forbidden(detail: str) -> Problem:
    return Problem(ProblemType.FORBIDDEN, detail)


def _invalid(field: str, message: str) -> Problem:
    findings = [Finding(field, message)]
    return Problem(ProblemType.INVALID_REQUEST, summary(findings), findings=findings)
