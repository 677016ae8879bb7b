"""Who asks, by a token of their own: for a local cloud, whose people have no other identity.

The file holds digests, so that whoever reads it can not act in another's name.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

from hydrobid.domain.errors import CorruptDocument, Unauthenticated

SCHEME = "bearer"


def token_digest(token: str) -> str:
    """Return what is kept of a token: tokens are random, so a plain digest is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenPeople:
    """People by the file that holds the digest of each one's token, read at each request."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def who_asks(self, headers: Mapping[str, str]) -> str:
        """Return whose token a request brings; raise Unauthenticated."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != SCHEME or not token.strip():
            raise Unauthenticated("no token: Authorization: Bearer TOKEN")
        given = token_digest(token.strip())
        for person, known in self._known().items():
            if hmac.compare_digest(given, known):
                return person
        raise Unauthenticated("nobody has this token")

    def _known(self) -> dict[str, str]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict) or not all(isinstance(d, str) for d in content.values()):
            raise CorruptDocument(f"{self._file.name} holds no digest of a token by person")
        return content
