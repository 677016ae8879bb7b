"""A local cloud watched from outside while parts of it die: documents, executions, the exchange."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx
from chaos.kills import CLIENTS
from chaos.market_side import StandingOrder, standing_orders
from local_cloud import LocalCloud

from hydrobid.bootstrap.topology import workflow_path
from hydrobid.cli.clients import inputs_in
from hydrobid.client.connection import connect
from hydrobid.domain.errors import RetryableError
from hydrobid.domain.identifiers import ClientId, RunId
from hydrobid.domain.states import AssetState, OrderState
from hydrobid.local_cloud.clock import advance, market_now
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.services import EXCHANGE, WORKFLOWS_REST
from hydrobid.local_cloud.state import require_state
from hydrobid.pipeline import paths
from hydrobid.pipeline.read_run import finished_state, read_records
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.schema import configuration_of

LOOK_SECONDS = 0.05


def await_that(condition: Callable[[], bool], seconds: float, rest: float = LOOK_SECONDS) -> bool:
    """Return whether a condition came true within some seconds; rest: between two looks."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(rest)
    return True


class Watch:
    """What is asked of one local cloud, which is wholly up when this is made, about one day."""

    def __init__(self, cloud: LocalCloud, day: date) -> None:
        self._folder = DataFolder(cloud.data_dir)
        console, _ = connect(self._folder)
        self.configurations = {
            client: configuration_of(inputs_in(cloud.clients_dir / client).configuration)
            for client in CLIENTS
        }
        self.day = day
        self.run = RunId(self.configurations[CLIENTS[0]].market.id, day, 1)
        self._documents = {client: console.documents(ClientId(client)) for client in CLIENTS}

    def pids(self) -> dict[str, int]:
        """Return the pid that leads each process of the cloud, by its name."""
        return {name: record.pid for name, record in require_state(self._folder).processes.items()}

    def advance_clock_past(self, instant: datetime) -> None:
        """Move the market's clock to a second after an instant, unless it is there already."""
        step = instant + timedelta(seconds=1) - market_now(self._folder.clock_file)
        if step > timedelta():
            advance(self._folder.clock_file, step)

    def has_event(self, client: str, event_type: str) -> bool:
        """Whether the client's run has an event of a type; False also while nobody answers."""
        return self._answered(
            lambda: bool(
                self._documents[client].find(paths.EVENTS, run=str(self.run), type=event_type)
            )
        )

    def is_planned(self, client: str) -> bool:
        """Whether the client's day has a run."""
        return self._answered(lambda: self._documents[client].get(paths.run(self.run)) is not None)

    def is_settled(self, client: str) -> bool:
        """Whether the client's run has come to its end, with every execution."""
        documents = self._documents[client]

        def finished() -> bool:
            plan = plan_of(documents, self.run)
            return finished_state(plan, read_records(documents, plan)) is not None

        return self.is_planned(client) and self._answered(finished) and self._none_active(client)

    def is_complete(self, client: str) -> bool:
        """Whether all that the run was planned to solve is in its bid."""
        documents = self._documents[client]

        def complete() -> bool:
            plan = plan_of(documents, self.run)
            assets = read_records(documents, plan).assets.values()
            states = [asset.state for asset in assets]
            return states == [AssetState.COMPLETE] * len(plan.assets)

        return self._answered(complete)

    def is_over(self, client: str) -> bool:
        """Whether every order of the client's day is closed and every execution has ended."""
        documents = self._documents[client]

        def closed() -> bool:
            records = read_records(documents, plan_of(documents, self.run))
            orders = records.orders.values()
            return bool(orders) and all(order.state is OrderState.CLOSED for order in orders)

        return self.is_planned(client) and self._answered(closed) and self._none_active(client)

    def content(self, client: str) -> tuple[tuple[StandingOrder, ...], list[str]]:
        """Return what a repetition must leave as it is: what stands, and the trail's hashes."""
        events = self._documents[client].find(paths.EVENTS)
        return self.orders(client), [event["hash"] for event in events.values()]

    def revisions(self, client: str) -> int:
        """Return how many runs the client's day has."""
        newest = self._documents[client].get(paths.day(self.run.market, self.day))
        return 0 if newest is None else RunId.parse(newest["newest"]).revision

    def alerts(self, client: str) -> tuple[dict[str, Any], ...]:
        """Return all alerts of a client."""
        return tuple(self._documents[client].find(paths.ALERTS).values())

    def executions(self, client: str, *workflows: str) -> dict[str, str]:
        """Return the state of each execution of a client's workflows by its name; all if not named."""
        state = require_state(self._folder)
        found: dict[str, str] = {}
        for workflow in workflows or ("daily-bid", "solve-asset"):
            path = workflow_path(state.project, state.location, ClientId(client), workflow)
            url = f"{state.url(WORKFLOWS_REST)}/v1/{path}/executions"
            answer = httpx.get(url, params={"pageSize": 1000}, trust_env=False, timeout=30)
            answer.raise_for_status()
            listed = answer.json().get("executions", [])
            found |= {execution["name"]: execution["state"] for execution in listed}
        return found

    def orders(self, client: str) -> tuple[StandingOrder, ...]:
        """Return what stands at the exchange for a client's day."""
        state = require_state(self._folder)
        configuration = self.configurations[client]
        account = self._folder.exchange_account(ClientId(client))
        gate = configuration.market.gate(self.day)
        return tuple(standing_orders(state.url(EXCHANGE), account, configuration, gate))

    def _none_active(self, client: str) -> bool:
        return "ACTIVE" not in self.executions(client).values()

    def _answered(self, question: Callable[[], bool]) -> bool:
        try:
            return question()
        except RetryableError:
            return False
