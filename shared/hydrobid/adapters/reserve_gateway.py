"""Bid documents on their way: written down before they leave, answered when their acknowledgement comes.

The document's mRID is the key by which nothing is sent twice: it follows from the order and a number, its
record is created once, and who finds it there has met somebody else's. What was written down and never
answered may have left or not. It is not sent again, and says so of itself: what comes after it has to hold
whether it arrived or not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from hydrobid.adapters.reserve_documents import (
    Acknowledgement,
    acknowledgement_in,
    allocation_in,
    kind_of,
)
from hydrobid.domain.errors import (
    CorruptDocument,
    DocumentExists,
    OrderConflict,
    OutcomeUnknown,
    ServiceUnavailable,
)
from hydrobid.domain.plain_text import plain
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.ports import Clock, Create, Document, Documents, Put, Transaction

MESSAGES: Final = "reserve-messages"
ALLOCATIONS: Final = "reserve-allocations"
ANSWER_SECONDS: Final = 10.0
"""How long a sender waits for an acknowledgement; with a look before it, well below a lease."""
LOOKS_A_SECOND: Final = 4
LONGEST_WORDS: Final = 500
"""Characters of an acknowledgement's words, and of its name, that are kept."""
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Channel(Protocol):
    """An endpoint of the operators' network (ECP with EDX), as its files or otherwise.

    Every call may raise ServiceUnavailable.
    """

    def hand_over(self, name: str, content: bytes) -> None:
        """Give a document to the endpoint; one of the same name is the same document."""
        ...

    def arrived(self) -> Iterator[tuple[str, bytes]]:
        """Yield the names and contents of what has come and was not taken, oldest first."""
        ...

    def take(self, name: str) -> None:
        """Take what has come away, after it was written down."""
        ...


@dataclass(frozen=True)
class KeptMessage:
    """A document that was written down to be sent. note: ours, kept beside it. written: real time.

    answer: the acknowledgement that counts, None where none has come: an acceptance before a rejection,
    the newest acceptance before an older one.
    """

    number: int
    content: bytes
    note: str
    written: datetime
    answer: Acknowledgement | None


class OutboxGateway:
    """Sends documents of one client through a channel, and takes what comes back."""

    def __init__(
        self,
        documents: Documents,
        channel: Channel,
        clock: Clock,
        answer_seconds: float = ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._documents, self._channel, self._clock = documents, channel, clock
        self._looks, self._sleep = int(answer_seconds * LOOKS_A_SECOND), sleep
        self._not_ours: set[str] = set()

    def send(
        self, subject: str, number: int, document_id: str, content: bytes, note: str
    ) -> Acknowledgement:
        """Return the acknowledgement of an order's next document.

        Raises:
            OrderConflict: somebody else has sent that number. OutcomeUnknown: no answer yet.
        """
        path = _message(document_id)
        record = {
            "subject": subject,
            "number": number,
            "content": put_blob(self._documents, {"xml": content.decode(), "note": note}),
            "written": utc_text(self._clock.real_now()),
            "answers": [],
        }
        try:
            self._documents.commit(Create(path, record))
        except DocumentExists as exists:
            raise OrderConflict(
                f"document {number} of {subject} was sent by somebody else", document=document_id
            ) from exists
        try:
            self._channel.hand_over(f"{document_id}.xml", content)
            for look in range(self._looks + 1):
                if look:
                    self._sleep(1 / LOOKS_A_SECOND)
                self.collect()
                answer = _answer_in(self._documents.get(path) or record)
                if answer is not None:
                    return answer
        except ServiceUnavailable as error:
            raise OutcomeUnknown(error.message, document=document_id) from error
        raise OutcomeUnknown("no acknowledgement yet", document=document_id)

    def sent(self, subject: str) -> Sequence[KeptMessage]:
        """Return what was written down of an order, by number, with the answers there are by now."""
        self.collect()
        found = self._documents.find(MESSAGES, subject=subject).values()
        return [self._kept(record) for record in sorted(found, key=lambda r: int(r["number"]))]

    def allocation(self, start: datetime) -> bytes | None:
        """Return the newest allocation result of the day that begins then, None while none has come."""
        self.collect()
        stored = self._documents.get(_allocation(start))
        if stored is None:
            return None
        content: str = get_blob(self._documents, stored["content"])["xml"]
        return content.encode()

    def collect(self) -> None:
        """Write down what has come, and take it; what is not for us, or not whole, is left there."""
        for name, content in list(self._channel.arrived()):
            if name not in self._not_ours and self._written_down(name, content):
                self._channel.take(name)

    def _written_down(self, name: str, content: bytes) -> bool:
        try:
            kind = kind_of(content)
            if kind == "Acknowledgement_MarketDocument":
                return self._answered(name, acknowledgement_in(content))
            if kind == "ReserveAllocationResultDocument":
                start = allocation_in(content).grid.start
                blob = put_blob(self._documents, {"xml": content.decode()})
                self._documents.commit(Put(_allocation(start), {"content": blob}))
                return True
        except (CorruptDocument, UnicodeDecodeError):
            return False  # it may still be being written
        self._not_ours.add(name)
        return False

    def _answered(self, name: str, answer: Acknowledgement) -> bool:
        """Note an acknowledgement at its document, once; False where the document is none of ours."""
        if not _ID.fullmatch(answer.document):
            self._not_ours.add(name)
            return False
        path = _message(answer.document)
        noted = {
            "id": plain(answer.id or name)[:LONGEST_WORDS],
            "accepted": answer.accepted,
            "words": plain(answer.words)[:LONGEST_WORDS],
            "at": utc_text(answer.created or self._clock.now()),
        }

        def note(transaction: Transaction) -> bool:
            record = transaction.get(path)
            if record is None:
                return False
            if noted["id"] not in [known["id"] for known in record["answers"]]:
                answers = [*record["answers"], noted]
                transaction.write(Put(path, {**record, "answers": answers}))
            return True

        ours = self._documents.transact(note)
        if not ours:
            self._not_ours.add(name)
        return ours

    def _kept(self, record: Document) -> KeptMessage:
        kept: dict[str, str] = get_blob(self._documents, record["content"])
        return KeptMessage(
            number=int(record["number"]),
            content=kept["xml"].encode(),
            note=kept["note"],
            written=parse_instant(record["written"]),
            answer=_answer_in(record),
        )


def _answer_in(record: Document) -> Acknowledgement | None:
    answers = sorted(record["answers"], key=lambda each: (each["accepted"], each["at"]))
    if not answers:
        return None
    last = answers[-1]
    return Acknowledgement(
        document="",
        accepted=last["accepted"],
        words=last["words"],
        id=last["id"],
        created=parse_instant(last["at"]),
    )


def _message(document_id: str) -> str:
    return f"{MESSAGES}/{document_id}"


def _allocation(start: datetime) -> str:
    return f"{ALLOCATIONS}/{utc_text(start)}"
