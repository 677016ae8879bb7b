"""How what a run wanted of an order came to stand, or ended otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import PriceArea
from hydrobid.pipeline.diagnosis.trail import Trail

WANTED, SENDING, STANDING = "order-wanted", "order-sending", "order-standing"
REFUSED, WITHDRAWN, CLOSED = "order-refused", "order-withdrawn", "order-closed"
ABSENT = "order-absent"


@dataclass(frozen=True)
class OrderEnd:
    """How a content that a run wanted ended at the exchange.

    wanted: the event since which it was. event: of what it came to; it may be older, where the
    same content stood, or was refused, for another run. sent: how often one act was begun for it.
    """

    wanted: Event
    event: Event
    sent: int

    @property
    def at(self) -> datetime:
        """When it was both wanted and so."""
        return max(self.wanted.at, self.event.at)

    @property
    def before(self) -> bool:
        """Whether it was so before it was wanted."""
        return self.event.version < self.wanted.version

    @property
    def stands(self) -> bool:
        """Whether it came to stand."""
        return self.event.type == STANDING


def order_ends(trail: Trail, area: PriceArea) -> list[list[OrderEnd]]:
    """Return, for each content that the run wanted of an area's order, how it ended, oldest first.

    One that came to stand and was withdrawn has two ends or more, one under way has none.
    """
    chain = trail.of_order(area)
    own: dict[str, Event] = {}
    for event in chain:
        if event.data.get("fence", (None,))[0] == trail.plan.run.revision and event.type in (
            WANTED,
            CLOSED,  # approved after the gate, where there was no order yet
        ):
            own.setdefault(event.data["matrix"], event)
    ends = [
        [_end(chain, wanted, event) for event in _ends(chain, wanted)] for wanted in own.values()
    ]
    return [sorted(each, key=lambda end: (end.at, end.event.version)) for each in ends]


def end_of_order(trail: Trail, area: PriceArea) -> OrderEnd | None:
    """Return how an area's order last came to stand for a run; where it never did, how it ended."""
    ends = [end for content in order_ends(trail, area) for end in content]
    stood = [end for end in ends if end.stands]
    return max(stood or ends, key=lambda end: (end.at, end.event.version), default=None)


def _ends(chain: Sequence[Event], wanted: Event) -> Iterator[Event]:
    """Yield what a content came to from when it was wanted on: it may have been so before."""
    matrix = wanted.data["matrix"]
    later = (e.version for e in chain if e.type == WANTED and e.version > wanted.version)
    replaced = next(later, len(chain) + 1)
    since: Event | None = None  # when a look first found it, where it has stood ever since
    for event in chain:
        of_it = event.data.get("matrix") == matrix
        if event.type == STANDING and of_it:
            if since is None and event.version > wanted.version:
                yield event
            since = since or event
        elif event.type in (STANDING, WITHDRAWN, ABSENT) or (event.type == SENDING and of_it):
            # What stands as it is wanted is not sent.
            since = None
        if event.version == wanted.version and since is not None:
            yield since
        if event.type == REFUSED and of_it:
            yield event
        if event.type in (WITHDRAWN, CLOSED) and wanted.version <= event.version < replaced:
            yield event


def _end(chain: Sequence[Event], wanted: Event, event: Event) -> OrderEnd:
    matrix = None if event.type == WITHDRAWN else wanted.data["matrix"]  # a cancellation has none
    acts = Counter(
        (sending.data.get("act"), sending.data.get("order_id"))
        for sending in chain
        if sending.type == SENDING
        and wanted.version < sending.version < event.version
        and sending.data.get("matrix") == matrix
    )
    return OrderEnd(wanted, event, max(acts.values(), default=0))
