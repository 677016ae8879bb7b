"""Pages of a list that is sorted by name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Final

from emulators.pubsub.errors import too_small

MAX_PAGE: Final = 1_000
_DEFAULT_PAGE: Final = 100


def page(
    items: Sequence[Any], request: Any, name_of: Callable[[Any], str]
) -> tuple[Sequence[Any], str]:
    """Return the requested page and the next page's token, the name of the item that begins it."""
    if request.page_size < 0:
        raise too_small("page_size", request.page_size, 0)
    size = min(request.page_size or _DEFAULT_PAGE, MAX_PAGE)
    start = bisect_left(items, request.page_token, key=name_of)
    end = start + size
    return items[start:end], name_of(items[end]) if end < len(items) else ""
