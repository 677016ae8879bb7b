"""What others say, as it may be kept and sent on: every document and message takes it."""

from __future__ import annotations

from typing import Any

DEEPEST = 20
"""Levels that a stored document may have: https://firebase.google.com/docs/firestore/quotas"""
TOO_DEEP = "..."


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
