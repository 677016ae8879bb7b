import pytest

from hydrobid.domain.errors import IllegalTransition
from hydrobid.domain.states import (
    TRANSITIONS,
    Actor,
    AssetState,
    Entity,
    OrderState,
    OutcomeState,
    check_transition,
)


def test_check_transition__listed_move():
    check_transition(Entity.ORDER, OrderState.SENDING, OrderState.UNKNOWN, Actor.RECONCILER)


@pytest.mark.parametrize(
    ("entity", "source", "target", "actor"),
    [
        (Entity.SCENARIO, OutcomeState.SOLVED, OutcomeState.FAILED, Actor.SOLVER),
        (Entity.ASSET, AssetState.COMPLETE, AssetState.PARTIAL, Actor.AGGREGATOR),
        (Entity.ASSET, AssetState.PARTIAL, AssetState.FAILED, Actor.AGGREGATOR),
        (Entity.ORDER, OrderState.UNKNOWN, OrderState.CLOSED, Actor.RECONCILER),
        (Entity.ORDER, OrderState.CLOSED, OrderState.SENDING, Actor.RECONCILER),
        (Entity.ORDER, OrderState.CLOSED, OrderState.STANDING, Actor.RECONCILER),
        (Entity.ORDER, None, OrderState.SENDING, Actor.SUBMISSION),
    ],
)
def test_check_transition__move_that_is_not_listed(entity, source, target, actor):
    with pytest.raises(IllegalTransition) as caught:
        check_transition(entity, source, target, actor)

    assert caught.value.details["target"] == target


def test_transitions__every_state_is_reached():
    reached = {target for _, _, target in TRANSITIONS}
    assert reached >= {*OrderState, *AssetState, *OutcomeState}
