"""What makes the product safe, taken away one by one: the simulator has to notice each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from simulation import functions

from hydrobid.adapters.memory import MemoryMessages
from hydrobid.domain.messages import AssetSettled
from hydrobid.domain.orders import OrderRecord, Standing
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, AssetRecord
from hydrobid.domain.states import ApprovalState, OrderState, RunState
from hydrobid.pipeline import (
    aggregate_asset,
    approval_silence,
    decide_approval,
    fetch_results,
    hold_order,
    merge_area,
    order_acts,
    order_records,
    paths,
    reconcile_order,
    recording,
    rule_approval,
    submission,
    submit_bid,
)
from hydrobid.pipeline.ports import Callbacks, Clock, Documents, Messages, Put, Transaction


def _republish_rule_removed() -> list[Any]:
    """The aggregator that finds an asset settled says nothing."""
    original = functions.aggregate_asset

    def once(documents: Documents, clock: Clock, messages: Messages, message: AssetSettled) -> None:
        before = documents.get(paths.asset(message.run, message.asset))
        told = MemoryMessages()
        record = original(documents, clock, told, message)
        if before is None or before["version"] != record.version:
            messages.publish(told.waiting.popleft())

    return [patch.object(functions, "aggregate_asset", once)]


def _fence_removed() -> list[Any]:
    """What was approved last is wanted, whichever revision it is of."""
    return [patch.object(order_records, "sorted", lambda given, key: given, create=True)]


def _compare_and_set_of_assets_removed() -> list[Any]:
    """An asset's record is overwritten by whoever comes last."""

    class Coverage(float):
        """Good enough only against its equal."""

        def __ge__(self, other: float) -> bool:
            return self == other

    def worth(record: AssetRecord) -> Coverage:
        return Coverage(record.coverage.probability)

    return [
        patch.object(aggregate_asset, "_worth", worth),
        patch.object(aggregate_asset, "check_transition", lambda *_: None),
    ]


def _second_look_removed() -> list[Any]:
    """What was sent is taken to stand, and what is taken to stand is not looked at again."""
    original = reconcile_order._Reconciler.look_and_act

    def believe(self: Any) -> tuple[OrderRecord, bool]:
        order = self.lease.note()
        if order.settled and self.clock.now() < self.plan.cut_offs.gate:
            return order, True
        order, done = original(self)
        sending = order.state in (OrderState.SENDING, OrderState.UNKNOWN)
        if done or not sending or order.wanted is None:
            return order, done
        sent = Standing(
            order_id="",
            matrix=order.wanted.matrix,
            exchange_version=0,
            state="",
            seen=self.clock.now(),
        )
        standing = self.lease.move(
            OrderState.STANDING, "order-standing", {}, lambda _: {"standing": sent}
        )
        return standing, True

    return [patch.object(reconcile_order._Reconciler, "look_and_act", believe)]


def _hold_removed() -> list[Any]:
    """What is due is wanted, whatever the desk has set."""
    return [patch.object(OrderRecord, "held", None)]


def _hold_at_sending_removed() -> list[Any]:
    """An act that a look has led to is made, whatever was set since."""

    def begin(self: Any, _: Any, data: dict[str, Any]) -> OrderRecord:
        return self.move(
            OrderState.SENDING, "order-sending", data, lambda o: {"attempts": o.attempts + 1}
        )

    return [patch.object(order_records.LeasedOrder, "begin", begin)]


def _knowing_what_was_written_removed() -> list[Any]:
    """A move whose answer was lost is made again."""
    return [patch.object(order_records, "was_written", lambda *_: False)]


def _create_once_of_outcomes_removed() -> list[Any]:
    """The second of two solvers overwrites what the first found."""
    return [patch.object(recording, "Create", Put)]


def _lease_removed() -> list[Any]:
    """Whoever wants to act on an order acts."""
    return [
        patch.object(order_records, "LEASE", timedelta(0)),
        patch.object(
            order_records.LeasedOrder,
            "_held",
            lambda self, transaction: order_records._order_at(transaction, self.path),
        ),
    ]


def _own_solving_forgotten() -> list[Any]:
    """Whoever finds a run ended tells every execution, also those that solve it anew."""

    def call_back(
        documents: Documents, clock: Clock, callbacks: Callbacks, plan: Plan, state: RunState
    ) -> None:
        for waiting in documents.find(paths.executions(plan.run)).values():
            callbacks.call(waiting["callback"], {"run": str(plan.run), "state": str(state)})

    return [patch.object(submit_bid, "call_back", call_back)]


def _waiting_for_people_removed() -> list[Any]:
    """Every bid that passes its checks is approved by rule."""
    return [
        patch.object(
            rule_approval,
            "ApprovalMode",
            SimpleNamespace(AUTOMATIC=rule_approval.ApprovalMode.REQUIRED),
        )
    ]


def _looking_at_what_is_decided_on_removed() -> list[Any]:
    """A decision is taken to be about whatever waits by then."""
    return [patch.object(decide_approval, "check_content", lambda *_: None)]


def _two_different_people_removed() -> list[Any]:
    """Whoever approves again counts as another."""
    return [patch.object(decide_approval, "same_person", lambda *_: False)]


def _silence_removed() -> list[Any]:
    """Nothing follows on silence."""
    return [patch.object(submission, "act_on_silence", lambda *_: None)]


def _keeping_changes_from_silence_removed() -> list[Any]:
    """Silence sends a person's change, and what takes the place of one."""
    return [patch.object(approval_silence, "_by_hand", lambda *_: False)]


def _yesterdays_bid_removed() -> list[Any]:
    """Nothing stood yesterday that could be sent on silence."""
    return [patch.object(approval_silence, "_yesterday_that_passes", lambda *_: None)]


def _asking_the_exchange_again_removed() -> list[Any]:
    """A bid that the exchange stood against once is not held against it again."""
    return [patch.object(merge_area, "_may_be_let_in", lambda *_: False)]


def _keeping_results_removed() -> list[Any]:
    """What was published is read, and not kept."""
    return [patch.object(fetch_results._Fetch, "_keep", lambda *_: None)]


def _telling_of_overdue_results_removed() -> list[Any]:
    """Nobody is told of results that are not there in time."""
    return [patch.object(fetch_results._Fetch, "tell_if_overdue", lambda *_: None)]


def _cancelling_surplus_blocks_removed() -> list[Any]:
    """Blocks that are not wanted, or stand twice, are left standing."""
    return [patch.object(order_acts, "_surplus", lambda *_: None)]


def _second_asset_removed() -> list[Any]:
    """An area's bid is that of its first asset."""
    return [patch.object(merge_area, "sorted", lambda given: sorted(given)[:1], create=True)]


def _approval_of_partial_bids_removed() -> list[Any]:
    """A rule leaves bids to people that rest on less than all."""
    original = merge_area.decided_by_rule

    def decided(transaction: Transaction, clock: Clock, *given: Any) -> AreaRecord:
        bid: AreaRecord = given[1]
        return bid if bid.partial else original(transaction, clock, *given)

    return [patch.object(merge_area, "decided_by_rule", decided)]


def _hold_of_other_areas_removed() -> list[Any]:
    """What is withdrawn, locked or released of all areas is so of the first alone."""
    original = hold_order._each

    def of_one(documents: Documents, messages: Messages, orders: Any, change: Any) -> Any:
        first = replace(orders, areas=orders.areas[:1])
        return original(documents, messages, first, change)

    return [patch.object(hold_order, "_each", of_one)]


def _keeping_rejections_removed() -> list[Any]:
    """A bid that was rejected still waits."""
    original = decide_approval._Desk._update

    def update(self: Any, record: AreaRecord) -> dict[str, Any]:
        return {} if self.decision is ApprovalState.REJECTED else original(self, record)

    return [patch.object(decide_approval._Desk, "_update", update)]


def _telling_of_fallbacks_removed() -> list[Any]:
    """Nobody is told that an asset's bid rests on no scenario."""
    return [patch.object(aggregate_asset, "_telling_of_fallback", lambda *_: ())]


MUTATIONS: dict[str, Callable[[], list[Any]]] = {
    "republish rule": _republish_rule_removed,
    "fence": _fence_removed,
    "compare-and-set of assets": _compare_and_set_of_assets_removed,
    "hold": _hold_removed,
    "hold read when sending begins": _hold_at_sending_removed,
    "knowing what was written": _knowing_what_was_written_removed,
    "second look": _second_look_removed,
    "create-once of outcomes": _create_once_of_outcomes_removed,
    "lease": _lease_removed,
    "own solving": _own_solving_forgotten,
    "waiting for people": _waiting_for_people_removed,
    "looking at what is decided on": _looking_at_what_is_decided_on_removed,
    "two different people": _two_different_people_removed,
    "silence": _silence_removed,
    "keeping results": _keeping_results_removed,
    "telling of overdue results": _telling_of_overdue_results_removed,
    "cancelling surplus blocks": _cancelling_surplus_blocks_removed,
    "second asset": _second_asset_removed,
    "approval of partial bids": _approval_of_partial_bids_removed,
    "hold of other areas": _hold_of_other_areas_removed,
    "keeping rejections": _keeping_rejections_removed,
    "telling of fallbacks": _telling_of_fallbacks_removed,
}
OF_SUBMISSION: dict[str, Callable[[], list[Any]]] = {
    "fence": _fence_removed,
    "second look": _second_look_removed,
    "lease": _lease_removed,
    "keeping changes from silence": _keeping_changes_from_silence_removed,
    "yesterday's bid": _yesterdays_bid_removed,
    "asking the exchange again": _asking_the_exchange_again_removed,
}
"""Those that submission alone has to notice."""


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Take one safeguard away while the context lasts."""
    with ExitStack() as stack:
        for change in (MUTATIONS | OF_SUBMISSION)[name]():
            stack.enter_context(change)
        yield
