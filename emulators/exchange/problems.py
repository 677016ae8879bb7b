"""How the exchange refuses: one JSON form for every error.

The public clients of the Auction API know an RFC 7807 problem (`type, title, status, detail`) and, on
400, a message. The body is that problem with `message` (the detail again) and `errors`, which lists
everything that was found wrong at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"
MOST_FINDINGS_SHOWN = 200


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a request: where, and what would be right."""

    field: str
    message: str


class ProblemType(Enum):
    """The problems there are; the value is the stable `type` of the body and its HTTP status."""

    INVALID_REQUEST = ("invalid-request", HTTPStatus.BAD_REQUEST)
    INVALID_ORDER = ("invalid-order", HTTPStatus.BAD_REQUEST)
    AUCTION_NOT_OPEN = ("auction-not-open", HTTPStatus.BAD_REQUEST)
    UNAUTHORIZED = ("unauthorized", HTTPStatus.UNAUTHORIZED)
    FORBIDDEN = ("forbidden", HTTPStatus.FORBIDDEN)
    NOT_FOUND = ("not-found", HTTPStatus.NOT_FOUND)
    ORDER_EXISTS = ("order-exists", HTTPStatus.CONFLICT)
    ORDER_CANCELLED = ("order-cancelled", HTTPStatus.CONFLICT)
    RESULTS_NOT_PUBLISHED = ("results-not-published", HTTPStatus.BAD_REQUEST)
    INTERNAL = ("internal", HTTPStatus.INTERNAL_SERVER_ERROR)

    def __init__(self, slug: str, status: HTTPStatus) -> None:
        self.slug = slug
        self.status = status


class Problem(Exception):
    """A request that the exchange refuses, with all that the caller needs to put it right."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        findings: Sequence[Finding] = (),
        extra: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.findings = tuple(findings)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the JSON document of this problem."""
        return problem_body(
            self.kind.slug, self.kind.status, self.detail, self.findings, extra=self.extra
        )


def problem_body(
    slug: str,
    status: int,
    detail: str,
    findings: Sequence[Finding] = (),
    *,
    extra: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the JSON document of a refusal; of very many findings the first are shown."""
    shown = [{"field": f.field, "message": f.message} for f in findings[:MOST_FINDINGS_SHOWN]]
    return {
        "type": slug,
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "message": detail,
        "errors": shown,
        **(extra or {}),
    }


def summary(findings: Sequence[Finding]) -> str:
    """Return one sentence on findings, of which there is at least one: the first, and how many."""
    first = f"{findings[0].field}: {findings[0].message}".removeprefix(": ")
    return first if len(findings) == 1 else f"{len(findings)} errors, the first: {first}"
