"""The transition table: which moves an entity may make, and who may make them.

A move that is not listed is an error with a code, never a silent overwrite.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from hydrobid.domain.errors import IllegalTransition


class Entity(StrEnum):
    """What has a state of its own."""

    SCENARIO = "scenario"
    TASK = "task"
    ASSET = "asset"
    AREA = "area"
    APPROVAL = "approval"
    ORDER = "order"


class Actor(StrEnum):
    """Who moves an entity."""

    DISPATCHER = "dispatcher"
    SOLVER = "solver"
    AGGREGATOR = "aggregator"
    SUBMISSION = "submission"
    RECONCILER = "reconciler"
    DESK = "desk"


class OutcomeState(StrEnum):
    """How a scenario or a joint task ended; without a document it has not been solved."""

    SOLVED = "SOLVED"
    FAILED = "FAILED"


class AssetState(StrEnum):
    """What an asset's partial bid rests on."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    FALLBACK = "FALLBACK"
    FAILED = "FAILED"


class AreaState(StrEnum):
    """Whether an area's total bid passed its checks."""

    VALIDATED = "VALIDATED"
    REFUSED = "REFUSED"


class ApprovalState(StrEnum):
    """What was decided of one version of an area's bid."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class OrderState(StrEnum):
    """What is known of an order at the exchange."""

    SENDING = "SENDING"
    STANDING = "STANDING"
    NOT_APPROVED = "NOT_APPROVED"
    WITHDRAWN = "WITHDRAWN"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    CLOSED = "CLOSED"


class RunState(StrEnum):
    """Where a run stands, derived from its documents."""

    PLANNED = "planned"
    SOLVING = "solving"
    AGGREGATING = "aggregating"
    AWAITING_APPROVAL = "awaiting approval"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    PARTLY_SUBMITTED = "partly submitted"
    WITHHELD = "withheld"
    SUPERSEDED = "superseded"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether the run waits for nothing; a failed one may still be mended by a new attempt."""
        return self in _FINISHED


_FINISHED = {
    RunState.SUBMITTED,
    RunState.PARTLY_SUBMITTED,
    RunState.WITHHELD,
    RunState.SUPERSEDED,
    RunState.FAILED,
}

Move = tuple[Entity, StrEnum | None, StrEnum]


def _moves(
    entity: Entity, sources: Iterable[StrEnum | None], targets: Iterable[StrEnum], *actors: Actor
) -> dict[Move, frozenset[Actor]]:
    ends = tuple(targets)
    return {(entity, source, target): frozenset(actors) for source in sources for target in ends}


_AGGREGATION = (Actor.AGGREGATOR, Actor.SUBMISSION)
_SENT = (OrderState.STANDING, OrderState.WITHDRAWN, OrderState.REFUSED, OrderState.UNKNOWN)

TRANSITIONS: dict[Move, frozenset[Actor]] = {
    **_moves(Entity.SCENARIO, (None,), OutcomeState, Actor.SOLVER),
    **_moves(Entity.TASK, (None,), OutcomeState, Actor.SOLVER),
    **_moves(Entity.ASSET, (None,), AssetState, *_AGGREGATION),
    # Late outcomes lift an asset, never lower it; PARTIAL may become PARTIAL with more coverage.
    **_moves(
        Entity.ASSET,
        (AssetState.FAILED, AssetState.FALLBACK, AssetState.PARTIAL),
        (AssetState.PARTIAL, AssetState.COMPLETE),
        *_AGGREGATION,
    ),
    # So does a better link of the fallback chain, and what was solved too little says why.
    **_moves(
        Entity.ASSET,
        (AssetState.FAILED, AssetState.FALLBACK),
        (AssetState.FALLBACK,),
        *_AGGREGATION,
    ),
    **_moves(Entity.ASSET, (AssetState.FAILED,), (AssetState.FAILED,), *_AGGREGATION),
    # The desk overrides a bid, and signs one that passed its checks.
    **_moves(Entity.AREA, AreaState, (AreaState.VALIDATED,), Actor.SUBMISSION, Actor.DESK),
    **_moves(Entity.AREA, (None,), AreaState, Actor.SUBMISSION),
    **_moves(Entity.AREA, AreaState, (AreaState.REFUSED,), Actor.SUBMISSION),
    # An approval belongs to one version of a bid. Silence is no decision: a person's, late but
    # before the gate, counts.
    **_moves(Entity.APPROVAL, (None,), (ApprovalState.APPROVED,), Actor.SUBMISSION, Actor.DESK),
    **_moves(Entity.APPROVAL, (None,), (ApprovalState.EXPIRED,), Actor.SUBMISSION),
    **_moves(Entity.APPROVAL, (None, ApprovalState.EXPIRED), (ApprovalState.REJECTED,), Actor.DESK),
    **_moves(Entity.APPROVAL, (ApprovalState.EXPIRED,), (ApprovalState.APPROVED,), Actor.DESK),
    **_moves(
        Entity.ORDER,
        (
            None,
            OrderState.STANDING,
            OrderState.WITHDRAWN,
            OrderState.NOT_APPROVED,
            OrderState.REFUSED,  # a newer approved bid is tried even if an older one was refused
        ),
        (OrderState.SENDING,),
        Actor.RECONCILER,
    ),
    **_moves(Entity.ORDER, (OrderState.SENDING,), _SENT, Actor.RECONCILER),
    **_moves(
        Entity.ORDER,
        (OrderState.UNKNOWN,),
        (OrderState.STANDING, OrderState.SENDING, OrderState.WITHDRAWN),
        Actor.RECONCILER,
    ),
    # A request that came late: found to stand where nothing was known to.
    **_moves(
        Entity.ORDER,
        (None, OrderState.WITHDRAWN, OrderState.REFUSED),
        (OrderState.STANDING,),
        Actor.RECONCILER,
    ),
    # Withdrawn, and found to be gone already: somebody cancelled it at the exchange.
    **_moves(
        Entity.ORDER,
        (OrderState.STANDING, OrderState.NOT_APPROVED),
        (OrderState.WITHDRAWN,),
        Actor.RECONCILER,
    ),
    **_moves(Entity.ORDER, (OrderState.STANDING,), (OrderState.NOT_APPROVED,), Actor.RECONCILER),
    **_moves(Entity.ORDER, (OrderState.NOT_APPROVED,), (OrderState.STANDING,), Actor.RECONCILER),
    **_moves(
        Entity.ORDER,
        (
            None,
            OrderState.SENDING,
            OrderState.STANDING,
            OrderState.NOT_APPROVED,
            OrderState.WITHDRAWN,
            OrderState.REFUSED,
        ),
        (OrderState.CLOSED,),
        Actor.RECONCILER,
    ),
}


def check_transition(entity: Entity, source: StrEnum | None, target: StrEnum, actor: Actor) -> None:
    """Return when `actor` may move an entity from `source` (None: new) to `target`.

    Raises:
        IllegalTransition: the move is not listed, or not for this actor.
    """
    allowed = TRANSITIONS.get((entity, source, target), frozenset())
    if actor not in allowed:
        raise IllegalTransition(
            f"{actor} may not move {entity} from {source or 'nothing'} to {target}",
            entity=str(entity),
            source=None if source is None else str(source),
            target=str(target),
            actor=str(actor),
            listed_for=sorted(map(str, allowed)),
        )
