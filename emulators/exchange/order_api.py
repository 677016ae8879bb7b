"""Orders over HTTP: placed, read with all their versions, changed. What is allowed, `Exchange` decides."""

from uuid import UUID

from fastapi import APIRouter

from emulators.exchange.exchange import Exchange
from emulators.exchange.orders import Order, OrderKind
from emulators.exchange.requests import TheExchange, TheUser
from emulators.exchange.wire.blocks import BlockListDocument, BlockOrderPatch, BlockOrderRequest
from emulators.exchange.wire.orders import CurveOrderDocument, CurveOrderPatch, CurveOrderRequest

curve_orders = APIRouter(prefix="/curveorders")


@curve_orders.post("")
def post_curve_order(
    exchange: TheExchange, user: TheUser, wanted: CurveOrderRequest
) -> CurveOrderDocument:
    return curve_order_document(exchange, exchange.place(user, wanted.draft()))


@curve_orders.get("/{order_id}")
def get_curve_order(exchange: TheExchange, user: TheUser, order_id: UUID) -> CurveOrderDocument:
    return curve_order_document(exchange, exchange.order(user, OrderKind.CURVE, order_id))


@curve_orders.get("/{order_id}/versions")
def list_curve_order_versions(
    exchange: TheExchange, user: TheUser, order_id: UUID
) -> list[CurveOrderDocument]:
    versions = exchange.versions(user, OrderKind.CURVE, order_id)
    return [curve_order_document(exchange, version) for version in versions]


@curve_orders.patch("/{order_id}")
def patch_curve_order(
    exchange: TheExchange, user: TheUser, order_id: UUID, change: CurveOrderPatch
) -> CurveOrderDocument:
    """Change the curves that are named, or cancel the order when the list is empty."""
    curves = None if change.curves is None else [curve.curve() for curve in change.curves]
    order = exchange.change(user, OrderKind.CURVE, order_id, curves, change.comment)
    return curve_order_document(exchange, order)


def block_orders(prefix: str, kind: OrderKind) -> APIRouter:
    """Return the addresses of one kind of block orders."""
    router = APIRouter(prefix=prefix)

    @router.post("", operation_id=f"post_{kind}_order")
    def post(exchange: TheExchange, user: TheUser, wanted: BlockOrderRequest) -> BlockListDocument:
        return block_list_document(exchange, exchange.place(user, wanted.draft(kind)))

    @router.get("/{order_id}", operation_id=f"get_{kind}_order")
    def get(exchange: TheExchange, user: TheUser, order_id: UUID) -> BlockListDocument:
        return block_list_document(exchange, exchange.order(user, kind, order_id))

    @router.get("/{order_id}/versions", operation_id=f"list_{kind}_order_versions")
    def versions(exchange: TheExchange, user: TheUser, order_id: UUID) -> list[BlockListDocument]:
        found = exchange.versions(user, kind, order_id)
        return [block_list_document(exchange, version) for version in found]

    @router.patch("/{order_id}", operation_id=f"patch_{kind}_order")
    def patch(
        exchange: TheExchange, user: TheUser, order_id: UUID, change: BlockOrderPatch
    ) -> BlockListDocument:
        """Change the blocks that are named, or cancel the order when the list is empty."""
        blocks = None if change.blocks is None else [block.block() for block in change.blocks]
        order = exchange.change(user, kind, order_id, blocks, change.comment)
        return block_list_document(exchange, order)

    return router


def curve_order_document(exchange: Exchange, order: Order) -> CurveOrderDocument:
    """Return a curve order as the API shows it."""
    return CurveOrderDocument.of(order, exchange.rules, exchange.portfolio(order.slot.portfolio))


def block_list_document(exchange: Exchange, order: Order) -> BlockListDocument:
    """Return an order of blocks as the API shows it."""
    return BlockListDocument.of(order, exchange.rules, exchange.portfolio(order.slot.portfolio))
