"""What others say, as it may be kept, sent on and shown: every document, message and screen takes it."""

from __future__ import annotations

import re
from typing import Any

DEEPEST = 10
"""Levels that are kept; a document has 20 at most, https://firebase.google.com/docs/firestore/quotas."""
TOO_DEEP = "..."

COMMANDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that are no text: a screen moves, colours, breaks or turns round what follows them."""


def plain(content: Any, deepest: int = DEEPEST) -> Any:
    r"""Return JSON-ready content without halves of characters, which no UTF-8 can hold.

    JSON may escape them, and names of files hold them. What lies deeper than documents can is left out.

    >>> plain({"detail": "limit \ud83d exceeded"})
    {'detail': 'limit ? exceeded'}
    """
    if isinstance(content, str):
        return content if content.isascii() else content.encode(errors="replace").decode()
    if not isinstance(content, dict | list | tuple):
        return content
    if deepest == 0:
        return TOO_DEEP
    if isinstance(content, dict):
        return {plain(name): plain(value, deepest - 1) for name, value in content.items()}
    return [plain(value, deepest - 1) for value in content]
