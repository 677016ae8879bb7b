"""What members may do at the exchange, and what it answers: the use cases behind the API.

Decisions that the public description of the API leaves open, taken here:
- A PATCH changes the curves or blocks that it names and keeps the others, as the starter kit describes
  it ("new curves will be added"); an empty list cancels the order; a missing comment keeps the old one.
- One curve order stands for a portfolio, price area and auction. Of block orders any number may stand.
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
from emulators.exchange.block_validation import check_blocks
from emulators.exchange.market import Auction, AuctionState, Calendar
from emulators.exchange.market_file import MarketRules, Permission, Portfolio
from emulators.exchange.orders import Block, Curve, Order, OrderBook, OrderKind, OrderState, Slot
from emulators.exchange.outcome import Outcome
from emulators.exchange.prices import Prices
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


@dataclass(frozen=True)
class Draft:
    """An order that somebody wants to place."""

    kind: OrderKind
    slot: Slot
    comment: str | None = None
    curves: tuple[Curve, ...] = ()
    blocks: tuple[Block, ...] = ()


Content = Sequence[Curve] | Sequence[Block] | None


class Exchange:
    """One exchange: a market, its orders, and the clock that opens and closes its gates."""

    def __init__(
        self, rules: MarketRules, book: OrderBook, clock: MarketClock, prices: Prices
    ) -> None:
        self.rules = rules
        self._book = book
        self._prices = prices
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

    def place(self, user: User, draft: Draft) -> Order:
        """Place an order and return it, or say everything that forbids it."""
        slot = draft.slot
        auction = self.auction(slot.auction_id)
        portfolio = self._writable(user, slot.portfolio)
        with self._book.transaction():
            now = self._open_at(auction)
            order = Order(
                order_id=self._book.new_order_id(slot, draft.kind),
                kind=draft.kind,
                slot=slot,
                version=1,
                state=OrderState.ACCEPTED,
                modifier=user.name,
                modified=now,
                comment=draft.comment,
                curves=draft.curves,
                blocks=draft.blocks,
            )
            self._check(auction, portfolio, order)
            order = replace(order, state=state_of_new_version(order, self.rules.reasonability))
            if draft.kind is OrderKind.CURVE:
                standing = self._book.standing_curve(slot)
                if standing is not None:
                    raise _order_exists(standing)
            self._book.append(order)
        return order

    def change(
        self,
        user: User,
        kind: OrderKind,
        order_id: uuid.UUID,
        content: Content,
        comment: str | None,
    ) -> Order:
        """Change or cancel a standing order and return its new version.

        content: the curves or blocks that change; none cancel the order, None leaves all as it is.
        """
        if content is None and comment is None:
            what = "curves" if kind is OrderKind.CURVE else "blocks"
            raise _invalid(what, f"neither {what} nor a comment: there is nothing to change")
        with self._book.transaction():
            order = self.order(user, kind, order_id)
            auction = self.auction(order.slot.auction_id)
            portfolio = self._writable(user, order.slot.portfolio)
            now = self._open_at(auction)
            if not order.standing:
                detail = f"Order {order_id} is cancelled and cannot be changed; place a new one"
                raise Problem(ProblemType.ORDER_CANCELLED, detail)
            version = _successor(order, user, now, comment)
            if content is not None and not content:
                version = _cancelled(version)
            elif content:
                version = _changed(version, content, auction)
                self._check(auction, portfolio, version)
                state = state_of_new_version(version, self.rules.reasonability)
                version = replace(version, state=state)
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
                if order.slot.portfolio in portfolios and order.standing
            ]
            for order in cancelled:
                self._book.append(_cancelled(_successor(order, user, now, comment=None)))
        return [order.order_id for order in cancelled]

    def cancel_all(self, user: User, auction_id: str) -> list[uuid.UUID]:
        """Cancel what the user may cancel in an auction; return the ids of the orders."""
        mine = [p.name for p in self.portfolios_of(user) if p.permission is Permission.WRITE]
        return self.cancel(user, auction_id, mine)

    def orders(self, user: User, auction_id: str, wanted: OrderFilter) -> list[Order]:
        """Return the newest versions of the user's orders in an auction, cancelled ones too."""
        auction = self.auction(auction_id)
        mine = {portfolio.name for portfolio in self.portfolios_of(user)}
        return [
            _as_shown(order, auction, self.now())
            for order in self._book.of_auction(auction_id)
            if order.slot.portfolio in mine and wanted.admits(order.slot)
        ]

    def order(self, user: User, kind: OrderKind, order_id: uuid.UUID) -> Order:
        """Return the newest version of one of the user's orders, which has to be of that kind."""
        order = self._any_order(user, order_id)
        if order.kind is not kind:
            raise _no_order(order_id)
        return order

    def versions(self, user: User, kind: OrderKind, order_id: uuid.UUID) -> list[Order]:
        """Return all versions of one of the user's orders, oldest first, as they were accepted."""
        self.order(user, kind, order_id)
        return self._book.versions(order_id)

    def judgement(
        self, user: User, auction_id: str, order_id: uuid.UUID
    ) -> tuple[Order, Judgement]:
        """Return an order of an auction with the outcome of its reasonability check."""
        auction = self.auction(auction_id)
        order = self._any_order(user, order_id)
        if order.slot.auction_id != auction_id:
            raise _no_order(order_id)
        return order, judge(order, auction, self.rules.reasonability)

    def outcome(self, user: User, auction_id: str, wanted: OrderFilter) -> Outcome:
        """Return what an auction came to for the user's orders, once results are published."""
        auction = self.auction(auction_id)
        now = self.now()
        if auction.state(now) is not AuctionState.RESULTS_PUBLISHED:
            detail = (
                f"The results of {auction.id} are published at "
                f"{auction.results_published.isoformat()}, it is {now.isoformat()}"
            )
            raise Problem(ProblemType.RESULTS_NOT_PUBLISHED, detail)
        final = now >= auction.results_final
        orders = [order for order in self.orders(user, auction_id, wanted) if order.standing]
        return Outcome(auction, self.rules, self._prices.of(auction), final, tuple(orders))

    def _any_order(self, user: User, order_id: uuid.UUID) -> Order:
        order = self._book.latest(order_id)
        if order is None or order.slot.portfolio not in {p.name for p in self.portfolios_of(user)}:
            raise _no_order(order_id)
        return _as_shown(order, self.auction(order.slot.auction_id), self.now())

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

    def _check(self, auction: Auction, portfolio: Portfolio, order: Order) -> None:
        findings = list(self._findings(auction, portfolio, order))
        if findings:
            raise Problem(ProblemType.INVALID_ORDER, summary(findings), findings=findings)

    def _findings(self, auction: Auction, portfolio: Portfolio, order: Order) -> Iterator[Finding]:
        what = "curves" if order.kind is OrderKind.CURVE else "blocks"
        if not (order.curves or order.blocks):
            yield Finding(what, f"an order has at least one of its {what}")
        area = portfolio.area(order.slot.area_code)
        if area is None:
            codes = ", ".join(area.code for area in portfolio.areas)
            message = (
                f"portfolio {portfolio.name!r} trades in {codes}, not in {order.slot.area_code!r}"
            )
            yield Finding("areaCode", message)
        else:
            yield from check_curves(order.curves, auction=auction, rules=self.rules, area=area)
            yield from check_blocks(order, auction=auction, rules=self.rules)


def _successor(order: Order, user: User, now: datetime, comment: str | None) -> Order:
    return replace(
        order,
        version=order.version + 1,
        modifier=user.name,
        modified=now,
        comment=order.comment if comment is None else comment,
    )


def _cancelled(version: Order) -> Order:
    return replace(version, state=OrderState.CANCELLED, curves=(), blocks=())


def _changed(version: Order, content: Sequence[Curve] | Sequence[Block], auction: Auction) -> Order:
    """Return an order with the named curves or blocks in their place and the others as they were."""
    curves = {curve.contract_id: curve for curve in version.curves}
    blocks = {block.name: block for block in version.blocks}
    for part in content:
        if isinstance(part, Curve):
            curves[part.contract_id] = part
        else:
            blocks[part.name] = part
    in_time = sorted(curves.values(), key=lambda c: auction.place_of(c.contract_id))
    return replace(version, curves=tuple(in_time), blocks=tuple(blocks.values()))


def _as_shown(order: Order, auction: Auction, now: datetime) -> Order:
    """Return the order with the state that a reader sees once results are out."""
    published = auction.state(now) is AuctionState.RESULTS_PUBLISHED
    if published and order.standing:
        return replace(order, state=OrderState.RESULTS_PUBLISHED)
    return order


def _order_exists(standing: Order) -> Problem:
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
