"""PartitionQuery: points that cut the results of a collection group query into parts of one size."""

from __future__ import annotations

from collections.abc import Iterator

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.fields import NAME, parse_path
from emulators.firestore.listing import Page
from emulators.firestore.messages import Cursor, Message, StructuredQuery, Value

SMALLEST_PARTITION = 128  # documents, as in production

_FORBIDDEN = ("where", "start_at", "end_at", "offset", "limit", "select", "find_nearest")


def check_partitionable(query: Message) -> None:
    """Raise InvalidArgumentError unless a StructuredQuery is a whole group in name order."""
    if len(query.from_) != 1 or not query.from_[0].all_descendants:
        raise InvalidArgumentError(
            "Partition queries must be for a single collection group: 'from' must have one "
            "selector, with all_descendants."
        )
    present = {field.name for field, _ in query.ListFields()}
    for name in _FORBIDDEN:
        if name in present:
            raise InvalidArgumentError(f"Partition queries cannot have '{name}'.")
    orders = [(parse_path(order.field.field_path), order.direction) for order in query.order_by]
    if orders not in ([], [(NAME, StructuredQuery.ASCENDING)]):
        raise InvalidArgumentError("Partition queries must be ordered by __name__ ascending.")


def check_numbers(request: Message) -> None:
    """Raise InvalidArgumentError when a PartitionQueryRequest asks for impossible numbers."""
    if request.partition_count <= 0:
        raise InvalidArgumentError(
            f"partition_count must be positive, not {request.partition_count}."
        )
    if request.page_size < 0:
        raise InvalidArgumentError("Page size must be nonnegative.")


def partition_points(names: list[str], most: int) -> Iterator[Message]:
    """Yield at most that many Cursors: the first document of every part but the first.

    names: of the query's documents, in order.
    """
    parts = max(1, min(most + 1, len(names) // SMALLEST_PARTITION))
    for part in range(1, parts):
        first = names[part * len(names) // parts]
        yield Cursor(values=[Value(reference_value=first)], before=True)


def page_of_points(points: list[Message], request: Message) -> Page[Message]:
    """Return the page of the points that a PartitionQueryRequest asks for."""
    token = request.page_token
    if token and not (token.isascii() and token.isdecimal() and int(token) <= len(points)):
        raise InvalidArgumentError("Invalid page token.")
    start = int(token or 0)
    end = min(start + request.page_size, len(points)) if request.page_size else len(points)
    return Page(tuple(points[start:end]), str(end) if end < len(points) else "")
