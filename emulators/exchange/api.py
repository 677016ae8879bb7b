"""The Auction API over HTTP: addresses, tokens and bodies; what is allowed, `Exchange` decides."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Form, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from emulators.exchange.answers import answer_problems
from emulators.exchange.auth import TokenDesk, TokenRequest, User
from emulators.exchange.body_limit import BodyLimit
from emulators.exchange.exchange import Exchange, OrderFilter
from emulators.exchange.orders import CurveOrder
from emulators.exchange.problems import Finding, Problem, ProblemType
from emulators.exchange.wire.auctions import (
    AuctionDocument,
    AuctionMultiResolutionDocument,
    auction_document,
    multi_resolution_document,
)
from emulators.exchange.wire.orders import (
    CancelledOrdersDocument,
    CurveOrderDocument,
    CurveOrderPatch,
    CurveOrderRequest,
    OrdersDocument,
    ReasonabilityResults,
)
from emulators.exchange.wire.tokens import BEARER, TokenDocument, TokenForm

_NOT_BUILT = {
    "/blockorders": ("POST",),
    "/blockorders/{order_id}": ("GET", "PATCH"),
    "/blockorders/{order_id}/versions": ("GET",),
    "/linkedegorders": ("POST",),
    "/linkedegorders/{order_id}": ("GET", "PATCH"),
    "/linkedegorders/{order_id}/versions": ("GET",),
    "/auctions/{auction_id}/trades": ("GET",),
    "/auctions/{auction_id}/prices": ("GET",),
    "/auctions/{auction_id}/portfoliovolumes": ("GET",),
}

_bearer = HTTPBearer(auto_error=False)


def _exchange(request: Request) -> Exchange:
    exchange: Exchange = request.app.state.exchange
    return exchange


def _user(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> User:
    desk: TokenDesk = request.app.state.token_desk
    user = desk.user_of(given.credentials) if given else None
    if user is None:
        detail = "The request needs a bearer token that is known and has not expired"
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem(ProblemType.UNAUTHORIZED, detail, headers=headers)
    return user


TheExchange = Annotated[Exchange, Depends(_exchange)]
TheUser = Annotated[User, Depends(_user)]
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
    return OrdersDocument(curve_orders=[_document(exchange, order) for order in orders])


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


@router.post("/curveorders")
def post_curve_order(
    exchange: TheExchange, user: TheUser, wanted: CurveOrderRequest
) -> CurveOrderDocument:
    slot = wanted.slot()
    order = exchange.place(user, slot, [c.curve() for c in wanted.curves], wanted.comment)
    return _document(exchange, order)


@router.get("/curveorders/{order_id}")
def get_curve_order(exchange: TheExchange, user: TheUser, order_id: UUID) -> CurveOrderDocument:
    return _document(exchange, exchange.order(user, order_id))


@router.get("/curveorders/{order_id}/versions")
def list_curve_order_versions(
    exchange: TheExchange, user: TheUser, order_id: UUID
) -> list[CurveOrderDocument]:
    return [_document(exchange, version) for version in exchange.versions(user, order_id)]


@router.patch("/curveorders/{order_id}")
def patch_curve_order(
    exchange: TheExchange, user: TheUser, order_id: UUID, change: CurveOrderPatch
) -> CurveOrderDocument:
    """Change the curves that are named, or cancel the order when the list is empty."""
    curves = None if change.curves is None else [curve.curve() for curve in change.curves]
    return _document(exchange, exchange.change(user, order_id, curves, change.comment))


def _not_built(request: Request) -> None:
    detail = f"{request.method} {request.url.path} is not built into this exchange"
    raise Problem(ProblemType.NOT_IMPLEMENTED, detail)


for _path, _methods in _NOT_BUILT.items():
    router.add_api_route(
        _path,
        _not_built,
        methods=list(_methods),
        dependencies=[Depends(_user)],
        include_in_schema=False,
    )


def create_app(exchange: Exchange, token_desk: TokenDesk) -> FastAPI:
    """Return the HTTP application of one exchange."""
    app = FastAPI(title="Auction API", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit)
    app.state.exchange = exchange
    app.state.token_desk = token_desk
    app.include_router(router)
    answer_problems(app)
    return app


def _document(exchange: Exchange, order: CurveOrder) -> CurveOrderDocument:
    portfolio = exchange.portfolio(order.slot.portfolio)
    return CurveOrderDocument.of(order, exchange.rules, portfolio)


def _utc(instant: datetime) -> datetime:
    try:
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        # The first or last day of the calendar, moved out of it by an offset.
        finding = Finding("closeBiddingFrom, closeBiddingTo", f"{instant} is not a date in UTC")
        raise Problem(ProblemType.INVALID_REQUEST, finding.message, findings=[finding]) from None
