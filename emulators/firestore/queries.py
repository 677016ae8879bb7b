"""Structured queries: checked, then evaluated over documents in name order.

There are no indexes to maintain or to miss: a query scans its collection, or its collection group,
in the store. Where the results are wanted in name order, the scan stops at the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from emulators.firestore.errors import FailedPreconditionError, InvalidArgumentError
from emulators.firestore.fields import NAME, FieldPath, format_path, parse_path, project
from emulators.firestore.filters import (
    Predicate,
    check_combination,
    document_value,
    filtered_paths,
    inequality_paths,
    plan_filter,
)
from emulators.firestore.messages import Document, Message, StructuredQuery
from emulators.firestore.names import DocumentPath, Parent, check_collection_id
from emulators.firestore.storage import Store, Stored
from emulators.firestore.values import OrderKey, order_key
from emulators.firestore.vectors import Nearest, nearest_documents, plan_nearest

Position: TypeAlias = tuple[OrderKey, ...]  # one key an order, the document's place in the results


@dataclass(frozen=True, slots=True)
class Order:
    """One field that results are ordered by."""

    path: FieldPath
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the results: right before, or right after, those at `position`."""

    position: Position
    is_before: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query. `collection_id` empty takes the collections of every id."""

    parent: Parent
    collection_id: str
    all_descendants: bool
    matches: Predicate
    orders: tuple[Order, ...]
    start: Cursor | None
    end: Cursor | None
    offset: int
    limit: int | None
    selected: tuple[FieldPath, ...] | None
    nearest: Nearest | None


def plan_query(parent: Parent, message: Message, required: tuple[FieldPath, ...] = ()) -> Query:
    """Return the checked form of a StructuredQuery under `parent`.

    Documents without one of the `required` fields are left out; the others come in the order of
    those fields, as from an index over them.
    """
    if len(message.from_) > 1:
        raise InvalidArgumentError(
            "StructuredQuery.from cannot have more than one collection selector."
        )
    selector = message.from_[0] if message.from_ else StructuredQuery.CollectionSelector()
    if selector.collection_id:
        check_collection_id(selector.collection_id)
    matches = _plan_predicate(parent, selector, message.where, required)
    check_combination(message.where)
    orders = _plan_orders(message, required)
    if selector.all_descendants and parent.segments:
        _check_beneath_document(message, orders, required)
    if not selector.collection_id:
        _check_without_collection(message)
    if message.offset < 0:
        raise InvalidArgumentError("offset is negative")
    if message.HasField("limit") and message.limit.value < 0:
        raise InvalidArgumentError("limit is negative")
    return Query(
        parent,
        selector.collection_id,
        selector.all_descendants,
        matches,
        orders,
        _plan_cursor(message.start_at, orders) if message.HasField("start_at") else None,
        _plan_cursor(message.end_at, orders) if message.HasField("end_at") else None,
        message.offset,
        message.limit.value if message.HasField("limit") else None,
        _plan_selection(message) if message.HasField("select") else None,
        plan_nearest(message.find_nearest) if message.HasField("find_nearest") else None,
    )


def _plan_predicate(
    parent: Parent, selector: Message, where: Message, required: tuple[FieldPath, ...]
) -> Predicate:
    matches = plan_filter(where)
    is_direct = not selector.collection_id and not selector.all_descendants
    slashes = parent.name.count("/") + 2

    def chosen(document: Message) -> bool:
        return (
            (not is_direct or document.name.count("/") == slashes)
            and all(document_value(document, path) is not None for path in required)
            and matches(document)
        )

    return chosen if is_direct or required else matches


def _plan_orders(message: Message, required: tuple[FieldPath, ...]) -> tuple[Order, ...]:
    """Return the explicit orders, then those of compared and of required fields, then the name."""
    orders: list[Order] = []
    for order in message.order_by:
        path = parse_path(order.field.field_path)
        if any(path == earlier.path for earlier in orders):
            raise InvalidArgumentError(
                f"order by clause cannot contain duplicate fields {format_path(path)}"
            )
        orders.append(Order(path, order.direction == StructuredQuery.DESCENDING))
    last_descends = orders[-1].is_descending if orders else False
    known = {order.path for order in orders}
    # The name comes last: it decides every order, so nothing after it could.
    implied = dict.fromkeys((*inequality_paths(message.where), *sorted(required)))
    orders += [Order(path, last_descends) for path in implied if path not in {*known, NAME}]
    if NAME not in known:
        orders.append(Order(NAME, last_descends))
    if any(order.path == NAME for order in orders[:-1]):
        raise InvalidArgumentError("order by clause cannot contain more fields after the key")
    return tuple(orders)


def _check_beneath_document(
    message: Message, orders: tuple[Order, ...], required: tuple[FieldPath, ...]
) -> None:
    """Refuse what Firestore keeps no index for: all descendants of a document by a field."""
    explicit = {parse_path(order.field.field_path) for order in message.order_by}
    if {*explicit, *filtered_paths(message.where)} - {NAME}:
        raise InvalidArgumentError("collection group queries are only allowed at the root parent")
    if required:
        fields = ", ".join(format_path(path) for path in required)
        raise InvalidArgumentError(
            f"This query requires an index that has fields [{fields}] after __name__ and Firestore "
            "does not currently support such an index. Please try the query again with additional "
            "ordering on those fields."
        )
    if message.from_[0].collection_id and orders[0].is_descending:
        raise FailedPreconditionError(
            "collection group queries are only allowed if they're at the root or they're an "
            "ascending primary key scan"
        )


def _check_without_collection(message: Message) -> None:
    for path in filtered_paths(message.where):
        if path != NAME:
            raise InvalidArgumentError(f"kind is required for filter: {format_path(path)}")
    if any(
        parse_path(order.field.field_path) != NAME or order.direction == StructuredQuery.DESCENDING
        for order in message.order_by
    ):
        raise InvalidArgumentError("kind is required for all orders except __key__ ascending")


def _plan_cursor(message: Message, orders: tuple[Order, ...]) -> Cursor:
    if len(message.values) > len(orders):
        raise InvalidArgumentError("Cursor has too many values.")
    for value, order in zip(message.values, orders, strict=False):
        if order.path == NAME and not value.HasField("reference_value"):
            raise InvalidArgumentError("Cursor __key__ value is not a document reference.")
    return Cursor(tuple(order_key(value) for value in message.values), message.before)


def _plan_selection(message: Message) -> tuple[FieldPath, ...]:
    return tuple(parse_path(field.field_path) for field in message.select.fields)


def scan(store: Store, query: Query, at: int | None) -> Iterator[Stored]:
    """Return what the query chooses from, in name order, now or at an instant."""
    database, ancestor = query.parent.database, query.parent.key
    if not query.collection_id:
        return store.descendants(database, ancestor, at)
    if query.all_descendants:
        return store.group(database, query.collection_id, ancestor, at)
    return store.collection(database, query.collection_id, ancestor, at)


class Counted:
    """Candidates that are counted as they are looked at."""

    def __init__(self, candidates: Iterable[Stored]) -> None:
        self._candidates = candidates
        self.seen = 0

    def __iter__(self) -> Iterator[Stored]:
        for stored in self._candidates:
            self.seen += 1
            yield stored


def is_in_scope(query: Query, path: DocumentPath) -> bool:
    """Return whether a document is one of those that the query chooses from."""
    parent = query.parent
    if path.database != parent.database or not path.key.startswith(parent.key):
        return False
    if query.collection_id not in {"", path.collection_id}:
        return False
    return query.all_descendants or len(path.segments) == len(parent.segments) + 2


def evaluate(query: Query, candidates: Iterable[Stored]) -> Iterator[Message]:
    """Yield a query's whole Documents, in order, before its selection of fields is applied."""
    documents = (Document.FromString(stored.data) for stored in candidates)
    matching = (document for document in documents if query.matches(document))
    placed = _in_order(query, matching)
    end = None if query.limit is None else query.offset + query.limit
    found = islice((document for _, document in _between(query, placed)), query.offset, end)
    return found if query.nearest is None else nearest_documents(query.nearest, found)


def _in_order(query: Query, documents: Iterator[Message]) -> Iterator[tuple[Position, Message]]:
    """Yield documents with their positions in the results' order; those without one drop out."""
    placed = (
        (position, document)
        for document in documents
        if (position := _position(query.orders, document)) is not None
    )
    if query.orders == (Order(NAME, is_descending=False),):
        return placed  # as they come
    results = list(placed)
    for column, order in reversed(list(enumerate(query.orders))):
        # Sorting is stable, also in reverse: the last order first gives the whole order.
        results.sort(key=_column_key(column), reverse=order.is_descending)
    return iter(results)


def _column_key(column: int) -> Callable[[tuple[Position, Message]], OrderKey]:
    return lambda pair: pair[0][column]


def _position(orders: tuple[Order, ...], document: Message) -> Position | None:
    """Return a document's place in the order; None when it lacks one of the fields."""
    position = []
    for order in orders:
        value = document_value(document, order.path)
        if value is None:
            return None
        position.append(order_key(value))
    return tuple(position)


def _compare(orders: tuple[Order, ...], left: Position, right: Position) -> int:
    """Compare two positions, or one with a cursor that says less: only what both say counts."""
    for order, ours, theirs in zip(orders, left, right, strict=False):
        if ours != theirs:
            return 1 if (ours > theirs) is not order.is_descending else -1
    return 0


def _between(
    query: Query, placed: Iterable[tuple[Position, Message]]
) -> Iterator[tuple[Position, Message]]:
    """Yield what lies between the query's cursors."""
    start, end, orders = query.start, query.end, query.orders
    for position, document in placed:
        if start is not None:
            side = _compare(orders, position, start.position)
            if side < 0 or (side == 0 and not start.is_before):
                continue
        if end is not None:
            side = _compare(orders, position, end.position)
            if side > 0 or (side == 0 and end.is_before):
                return
        yield position, document


def select(query: Query, document: Message) -> Message:
    """Return a result as the query's selection wants it: whole, or with the selected fields."""
    return document if query.selected is None else project(document, query.selected)
