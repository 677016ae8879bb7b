"""Pages of lists: sizes with their defaults and limits, and tokens for the next one."""

from __future__ import annotations

import base64
import binascii

from emulators.workflows.api_errors import invalid


def page_size(requested: int, default: int, maximum: int) -> int:
    """Return how many items a page has; more than the maximum is brought down to it."""
    if requested < 0:
        raise invalid(f"page_size must not be negative, got {requested}")
    return min(requested or default, maximum)


def token_of(position: str) -> str:
    """Return the page token for a position in a list."""
    return base64.urlsafe_b64encode(position.encode()).decode()


def position_of(token: str) -> str:
    """Return the position that a page token stands for, "" for none."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise invalid(f"page_token {token!r} is invalid") from error
