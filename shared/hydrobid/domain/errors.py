"""The two families of errors: what retrying can mend, and what it cannot.

Every error has a stable code and carries the data needed to diagnose it. A retryable error makes
the platform try again (503, or a raised exception); a permanent one is recorded and acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydrobid.domain.plain_text import plain


class HydrobidError(Exception):
    """Base of both families.

    code: stable, in capitals, for machines. details: JSON-ready data, free of secrets.
    """

    code = "ERROR"
    retryable = False

    def __init__(self, message: str, /, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details

    def as_document(self) -> dict[str, Any]:
        """Return the error as it is stored and answered: code, message, retryable, details."""
        return {
            "code": self.code,
            "message": plain(self.message),
            "retryable": self.retryable,
            "details": plain(self.details),
        }


class RetryableError(HydrobidError):
    """The same call may succeed later: the platform is asked to try again."""

    code = "RETRYABLE"
    retryable = True


class PermanentError(HydrobidError):
    """No retry will help: it is recorded, and an alert is raised where it matters."""

    code = "PERMANENT"


class ServiceUnavailable(RetryableError):
    """A service that is needed did not answer, or answered that it cannot now."""

    code = "SERVICE_UNAVAILABLE"


class Contended(RetryableError):
    """Somebody else is at work on the same document; redelivery finds it free or done."""

    code = "CONTENDED"


class SolverDied(RetryableError):
    """The process that solved a scenario ended, or was ended because it took too long."""

    code = "SOLVER_DIED"


class SolverMissing(RetryableError):
    """The deployment has no solver of the name that an asset asks for: a person can mend that."""

    code = "SOLVER_MISSING"


class ExchangeDenied(RetryableError):
    """The exchange does not let us in, or has not what it must have: a person can mend that."""

    code = "EXCHANGE_DENIED"


class OutcomeUnknown(RetryableError):
    """The exchange may or may not have acted: only reading it tells."""

    code = "OUTCOME_UNKNOWN"


class NotFound(PermanentError):
    """What the message names does not exist for this client."""

    code = "NOT_FOUND"


class DocumentExists(PermanentError):
    """A document that was to be created is there already: somebody else was first."""

    code = "DOCUMENT_EXISTS"


class ForeignClient(PermanentError):
    """The message is addressed to another client than the one that this function serves."""

    code = "FOREIGN_CLIENT"


class IllegalTransition(PermanentError):
    """A move that the transition table does not list."""

    code = "ILLEGAL_TRANSITION"


class CorruptDocument(PermanentError):
    """Stored content does not match its digest, or is not of the form its kind has."""

    code = "CORRUPT_DOCUMENT"


class GateClosed(PermanentError):
    """The auction of the delivery day takes no more orders."""

    code = "GATE_CLOSED"


class FileGone(PermanentError):
    """A file is not there any more: another has taken its place, or nobody wants it."""

    code = "FILE_GONE"


class InputsStale(PermanentError):
    """A series that a run needs is older than the client's policy allows, or was never told."""

    code = "INPUTS_STALE"


class BidChanged(PermanentError):
    """The bid that was decided on is not the one that waits: look at what there is now."""

    code = "BID_CHANGED"


class BidDecided(PermanentError):
    """It was decided otherwise on the bid before."""

    code = "BID_DECIDED"


class BidFaulty(PermanentError):
    """The bid does not pass its checks; the findings are in the details."""

    code = "BID_FAULTY"


class NotAllowed(PermanentError):
    """This person may not do this."""

    code = "NOT_ALLOWED"


class Unauthenticated(PermanentError):
    """Whoever asks has not shown who they are."""

    code = "UNAUTHENTICATED"


class OrderConflict(RetryableError):
    """What stands at the exchange is not what the request took to stand: look again."""

    code = "ORDER_CONFLICT"


class ExchangeRefused(PermanentError):
    """The exchange read a bid and refuses its content; its words are in the details."""

    code = "EXCHANGE_REFUSED"


@dataclass(frozen=True)
class Problem:
    """One fault of an input: where it is, what stands there and what would be right."""

    document: str
    field: str
    value: Any
    expected: str

    def __str__(self) -> str:
        shown = repr(self.value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        return f"{self.document}: {self.field} is {shown}; expected {self.expected}"

    def as_document(self) -> dict[str, Any]:
        """Return the problem as JSON-ready data."""
        return {
            "document": self.document,
            "field": self.field,
            "value": self.value,
            "expected": self.expected,
        }


class InvalidInput(PermanentError):
    """Input from outside that is refused before anything is solved; all its problems at once."""

    code = "INVALID_INPUT"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "; ".join(str(problem) for problem in self.problems),
            problems=[problem.as_document() for problem in self.problems],
        )

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[tuple[Problem, ...]]]:
        """Return what another process makes the same error from: its problems, not its text."""
        return type(self), (self.problems,)

    @classmethod
    def of(cls, document: str, field: str, value: Any, expected: str) -> InvalidInput:
        """Return the error for a single problem."""
        return cls([Problem(document, field, value, expected)])
