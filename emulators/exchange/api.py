"""The Auction API over HTTP: addresses, tokens and bodies; what is allowed, `Exchange` decides."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, FastAPI, Form, Header, Query, Request

from emulators.exchange.answers import answer_problems
from emulators.exchange.auth import TokenDesk, TokenRequest
from emulators.exchange.body_limit import BodyLimit
from emulators.exchange.description import description_of
from emulators.exchange.exchange import Exchange, OrderFilter
from emulators.exchange.order_api import (
    block_list_document,
    block_orders,
    curve_order_document,
    curve_orders,
)
from emulators.exchange.orders import OrderKind
from emulators.exchange.problems import Finding, Problem, ProblemType
from emulators.exchange.requests import TheExchange, TheUser
from emulators.exchange.wire.auctions import (
    AuctionDocument,
    AuctionMultiResolutionDocument,
    auction_document,
    multi_resolution_document,
)
from emulators.exchange.wire.blocks import OrdersDocument
from emulators.exchange.wire.orders import CancelledOrdersDocument, ReasonabilityResults
from emulators.exchange.wire.results import (
    PortfolioVolumesDocument,
    PricesDocument,
    TradesSummaryDocument,
)
from emulators.exchange.wire.tokens import BEARER, TokenDocument, TokenForm

Names = Annotated[list[str], Query()]

router = APIRouter()


@router.post("/connect/token")
def connect_token(
    request: Request,
    form: Annotated[TokenForm, Form()],
    authorization: Annotated[str | None, Header()] = None,
) -> TokenDocument:
    desk: TokenDesk = request.app.state.token_desk
    wanted = TokenRequest(authorization, form.grant_type, form.scope, form.username, form.password)
    token = desk.grant(wanted)
    return TokenDocument(access_token=token.value, expires_in=token.expires_in, token_type=BEARER)


@router.get("/auctions")
def list_auctions(
    exchange: TheExchange,
    user: TheUser,
    close_from: Annotated[datetime, Query(alias="closeBiddingFrom")],
    close_to: Annotated[datetime, Query(alias="closeBiddingTo")],
) -> list[AuctionDocument]:
    """Return the auctions that close between two instants; without an offset they are UTC."""
    auctions = exchange.auctions_closing_between(_utc(close_from), _utc(close_to))
    now, portfolios = exchange.now(), exchange.portfolios_of(user)
    return [auction_document(auction, now, exchange.rules, portfolios) for auction in auctions]


@router.get("/auctions/{auction_id}")
def get_auction(
    exchange: TheExchange, user: TheUser, auction_id: str
) -> AuctionMultiResolutionDocument:
    auction = exchange.auction(auction_id)
    portfolios = exchange.portfolios_of(user)
    return multi_resolution_document(auction, exchange.now(), exchange.rules, portfolios)


@router.get("/auctions/{auction_id}/orders")
def list_orders(
    exchange: TheExchange,
    user: TheUser,
    auction_id: str,
    portfolios: Names = [],  # noqa: B006 - FastAPI copies it
    areas: Names = [],  # noqa: B006 - FastAPI copies it
) -> OrdersDocument:
    orders = exchange.orders(user, auction_id, OrderFilter(portfolios, areas))
    curves = [order for order in orders if order.kind is OrderKind.CURVE]
    blocks = [order for order in orders if order.kind is not OrderKind.CURVE]
    return OrdersDocument(
        curve_orders=[curve_order_document(exchange, order) for order in curves],
        block_lists=[block_list_document(exchange, order) for order in blocks],
    )


@router.get("/auctions/{auction_id}/prices")
def get_prices(exchange: TheExchange, user: TheUser, auction_id: str) -> PricesDocument:
    return PricesDocument.of(exchange.outcome(user, auction_id, OrderFilter()))


@router.get("/auctions/{auction_id}/trades")
def list_trades(
    exchange: TheExchange,
    user: TheUser,
    auction_id: str,
    portfolios: Names = [],  # noqa: B006 - FastAPI copies it
    areas: Names = [],  # noqa: B006 - FastAPI copies it
) -> list[TradesSummaryDocument]:
    outcome = exchange.outcome(user, auction_id, OrderFilter(portfolios, areas))
    return [
        TradesSummaryDocument.of(
            outcome, traded, exchange.portfolio(traded.order.slot.portfolio).company_name
        )
        for traded in outcome.trades
        if traded.volumes
    ]


@router.get("/auctions/{auction_id}/portfoliovolumes")
def get_portfolio_volumes(
    exchange: TheExchange,
    user: TheUser,
    auction_id: str,
    portfolios: Names = [],  # noqa: B006 - FastAPI copies it
    areas: Names = [],  # noqa: B006 - FastAPI copies it
) -> PortfolioVolumesDocument:
    outcome = exchange.outcome(user, auction_id, OrderFilter(portfolios, areas))
    companies = {p.name: p.company_name for p in exchange.portfolios_of(user)}
    return PortfolioVolumesDocument.of(outcome, companies)


@router.delete("/auctions/{auction_id}/orders/cancel")
def cancel_orders(
    exchange: TheExchange,
    user: TheUser,
    auction_id: str,
    portfolios: Annotated[list[str], Query(min_length=1)],
) -> CancelledOrdersDocument:
    cancelled = exchange.cancel(user, auction_id, portfolios)
    return CancelledOrdersDocument(cancelled_order_ids=cancelled)


@router.delete("/auctions/{auction_id}/orders/cancelall")
def cancel_all_orders(
    exchange: TheExchange, user: TheUser, auction_id: str
) -> CancelledOrdersDocument:
    return CancelledOrdersDocument(cancelled_order_ids=exchange.cancel_all(user, auction_id))


@router.get("/auctions/{auction_id}/orders/{order_id}/results")
def get_reasonability_results(
    exchange: TheExchange, user: TheUser, auction_id: str, order_id: UUID
) -> ReasonabilityResults:
    return ReasonabilityResults.of(*exchange.judgement(user, auction_id, order_id))


def create_app(exchange: Exchange, token_desk: TokenDesk) -> FastAPI:
    """Return the HTTP application of one exchange."""
    app = FastAPI(title="Auction API", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit)
    app.state.exchange = exchange
    app.state.token_desk = token_desk
    app.include_router(router)
    app.include_router(curve_orders)
    app.include_router(block_orders("/blockorders", OrderKind.BLOCK))
    app.include_router(block_orders("/linkedegorders", OrderKind.LINKED_EG))
    answer_problems(app)
    app.openapi = lambda: description_of(app)  # type: ignore[method-assign]  # FastAPI's own way
    return app


def _utc(instant: datetime) -> datetime:
    try:
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        # The first or last day of the calendar, moved out of it by an offset.
        finding = Finding("closeBiddingFrom, closeBiddingTo", f"{instant} is not a date in UTC")
        raise Problem(ProblemType.INVALID_REQUEST, finding.message, findings=[finding]) from None
