"""What `demo --inject` can break: each case, what is done to the local cloud, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from hydrobid.bidding.methods import planned_tasks
from hydrobid.bootstrap.topology import resource_id, topology
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import AssetId, ClientId, TaskId
from hydrobid.schema import ClientInputs, scenario_set_for

Rule: TypeAlias = dict[str, Any]

SEED: Final = 12
"""Of the faults that strike at random: the same ones every time."""

FLAKY_SHARE: Final = 0.3
FLAKY_STRIKES: Final = 2
"""How often a task is struck at most: fewer times than a task is tried."""

SHUFFLED_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Target:
    """A client as rules aim at it. tasks: of each asset, in the order of dispatch."""

    client: ClientId
    tasks: Mapping[AssetId, tuple[TaskId, ...]]

    def subscriptions(self) -> list[str]:
        """Return the ids of the subscriptions that push to the client's functions."""
        return [self.subscription(topic) for topic in topology().topics]

    def subscription(self, topic: str) -> str:
        """Return the id of the subscription that pushes a topic to its function."""
        return f"{resource_id(self.client, topic)}-{topology().topics[topic].function}"


@dataclass(frozen=True)
class Injection:
    """A case. injected, expected: for a bid desk, as the ends of sentences.

    over_at_gate: whether what was broken works again once the gate has closed.
    """

    name: str
    injected: str
    expected: str
    rules: Callable[[Sequence[Target]], list[Rule]]
    over_at_gate: bool = False

    def faults(self, targets: Sequence[Target]) -> dict[str, Any]:
        """Return the content of the faults file that breaks these clients' cloud."""
        return {"seed": SEED, "rules": self.rules(targets)}


def target_of(inputs: ClientInputs, configuration: ClientConfiguration, day: date) -> Target:
    """Return a client with the tasks that its run of a delivery day will have."""
    tasks = {}
    for asset in configuration.assets:
        areas = sorted(
            {a.price_area for a in configuration.assets if a.scenario_set == asset.scenario_set}
        )
        stored = inputs.scenario_sets[asset.scenario_set]
        scenarios = scenario_set_for(stored, configuration.market, day, areas)
        tasks[asset.asset] = tuple(task.id for task in planned_tasks(asset, scenarios))
    return Target(configuration.client, tasks)


def injection_named(name: str) -> Injection:
    """Return a case by its name; raise InvalidInput naming those that there are."""
    for injection in INJECTIONS:
        if injection.name == name:
            return injection
    known = ", ".join(injection.name for injection in INJECTIONS)
    raise InvalidInput.of("command line", "--inject", name, f"list, or one of {known}")


def _scenarios_hang(targets: Sequence[Target]) -> list[Rule]:
    return [
        _call(target, fault="hang", asset=asset, task=tasks[-1])
        for target in targets
        for asset, tasks in target.tasks.items()
        if tasks
    ]


def _solver_down(targets: Sequence[Target]) -> list[Rule]:
    return [
        _call(target, fault="error", status=503, asset=asset)
        for target in targets
        for asset in target.tasks
    ]


def _solver_flaky(targets: Sequence[Target]) -> list[Rule]:
    often = {"probability": FLAKY_SHARE, "count": FLAKY_STRIKES}
    return [
        {**_call(target, fault="error", status=503, asset=asset, task=task), **often}
        for target in targets
        for asset, tasks in target.tasks.items()
        for task in tasks
    ]


def _asset_stuck(targets: Sequence[Target]) -> list[Rule]:
    return [_call(target, fault="hang", asset=next(iter(target.tasks))) for target in targets]


def _dispatcher_down(targets: Sequence[Target]) -> list[Rule]:
    return [
        {
            "service": "workflows",
            "where": {"workflow": _daily_bid(target), "body": {"client": target.client}},
            "fault": "error",
            "status": 503,
        }
        for target in targets
    ]


def _workflow_dies(targets: Sequence[Target]) -> list[Rule]:
    # Two points come before the first asset's: the callback is made, the dispatcher has answered.
    return [
        {
            "service": "workflows",
            "where": {"workflow": _daily_bid(target)},
            "fault": "fail",
            "after": 2,
            "count": 1,
        }
        for target in targets
    ]


def _messages_twice(targets: Sequence[Target]) -> list[Rule]:
    duplicated = [
        {"service": "pubsub", "where": {"publish": name}, "fault": "duplicate"}
        for target in targets
        for name in (resource_id(target.client, topic) for topic in topology().topics)
    ]
    shuffled = [
        {
            "service": "pubsub",
            "where": {"delivery": name},
            "fault": "reorder",
            "seconds": SHUFFLED_SECONDS,
        }
        for target in targets
        for name in target.subscriptions()
    ]
    return [*duplicated, *shuffled]


def _message_lost(targets: Sequence[Target]) -> list[Rule]:
    return [
        {
            "service": "pubsub",
            "where": {
                "delivery": target.subscription("asset-settled"),
                "body": {"cause": "solved"},
            },
            "fault": "drop",
        }
        for target in targets
    ]


def _exchange_breaks(_: Sequence[Target]) -> list[Rule]:
    return [
        {
            "service": "exchange",
            "where": {"method": "POST", "path": "/curveorders"},
            "fault": "accept_then_break",
        }
    ]


def _exchange_refuses(_: Sequence[Target]) -> list[Rule]:
    return [
        {
            "service": "exchange",
            "where": {"method": "POST", "path": "/curveorders"},
            "fault": "error",
            "status": 400,
        }
    ]


def _exchange_down(_: Sequence[Target]) -> list[Rule]:
    return [{"service": "exchange", "fault": "error", "status": 503}]


def _store_crashes(_: Sequence[Target]) -> list[Rule]:
    # The first four are an order's beginning: what is wanted, a lease, what stands.
    return [
        {
            "service": "firestore",
            "where": {"rpc": "Commit", "path": "orders/"},
            "fault": "crash_after",
            "after": 4,
            "count": 1,
        }
    ]


def _call(target: Target, *, fault: str, status: int | None = None, **body: str) -> Rule:
    """Return a rule for calls of a client's solver, of those that have this in their body."""
    rule: Rule = {
        "service": "workflows",
        "where": {"body": {"client": target.client, **body}},
        "fault": fault,
    }
    return rule if status is None else {**rule, "status": status}


def _daily_bid(target: Target) -> str:
    return resource_id(target.client, "daily-bid")


INJECTIONS: Final = (
    Injection(
        "scenarios-hang",
        "the last task of every asset is never answered",
        "the others are bid at the solve cut-off, assets PARTIAL, without waiting longer",
        _scenarios_hang,
    ),
    Injection(
        "solver-down",
        "every call of a solver is answered 503",
        "bids from water values, assets FALLBACK, ASSET_ON_FALLBACK",
        _solver_down,
    ),
    Injection(
        "solver-flaky",
        "about three calls of a solver in ten are answered 503",
        "the tasks are tried again, assets COMPLETE",
        _solver_flaky,
    ),
    Injection(
        "asset-stuck",
        "no task of each client's first asset is ever answered",
        "the other areas go at once; at the solve cut-off the stuck asset is FALLBACK",
        _asset_stuck,
    ),
    Injection(
        "dispatcher-down",
        "every call of the dispatcher is answered 503, so that nobody plans the day",
        "the guard plans and bids what needs no solving, assets FALLBACK, RUN_BY_GUARD",
        _dispatcher_down,
    ),
    Injection(
        "workflow-dies",
        "the daily bid's execution dies once the run is planned: no solve, no cut-off",
        "the guard ends the day, assets FALLBACK, ASSET_ON_FALLBACK",
        _workflow_dies,
    ),
    Injection(
        "messages-twice",
        "every message is published twice, and messages overtake each other",
        "nothing changes: assets COMPLETE, one order an area",
        _messages_twice,
    ),
    Injection(
        "message-lost",
        "no message arrives that says an asset is solved",
        "the solve cut-off brings the whole bid, assets COMPLETE",
        _message_lost,
    ),
    Injection(
        "exchange-breaks",
        "the exchange takes every order, and the connection breaks before it has answered",
        "the exchange is read before anything is sent again: one order an area",
        _exchange_breaks,
    ),
    Injection(
        "exchange-refuses",
        "the exchange refuses every order with 400",
        "nothing stands, run failed, ORDER_REFUSED",
        _exchange_refuses,
    ),
    Injection(
        "exchange-down",
        "the exchange answers 503 until the gate has closed",
        "nothing stands, orders CLOSED, run failed, GATE_MISSED",
        _exchange_down,
        over_at_gate=True,
    ),
    Injection(
        "store-crashes",
        "Firestore dies when a change of an order has just been stored",
        "it comes back and nothing was lost: one order an area",
        _store_crashes,
    ),
)
