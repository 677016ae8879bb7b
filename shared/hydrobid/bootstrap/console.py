"""What the command line needs of the cloud, for whichever client it is asked about."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.pubsub import PubSubMessages
from hydrobid.adapters.solver_process import SolverProcesses
from hydrobid.adapters.workflows import Execution, WorkflowExecutions
from hydrobid.bootstrap.exchange import nord_pool_of
from hydrobid.bootstrap.settings import CloudSettings, ExchangeSettings, ExternalSolverSettings
from hydrobid.bootstrap.solvers import solvers_of
from hydrobid.bootstrap.topology import (
    BENCHMARK,
    DAILY_BID,
    database_id,
    topic_path,
    workflow_path,
)
from hydrobid.domain.identifiers import AssetId, ClientId, RunId, ScenarioId
from hydrobid.domain.plan import Plan
from hydrobid.pipeline.ports import Clock, Document, Documents, Messages
from hydrobid.pipeline.replay_scenario import Replay, replay_scenario
from hydrobid.pipeline.run_inputs import configuration_in

__all__ = ["Console", "Execution"]


class Console:
    """One operator's view of the cloud that the settings name."""

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings
        self._executions = lru_cache(maxsize=1)(lambda: WorkflowExecutions(settings.workflows_host))
        self._documents = lru_cache(maxsize=None)(
            lambda client: FirestoreDocuments(settings.project, database_id(client))
        )
        self.clock: Clock = SystemClock(settings.clock_file)

    def documents(self, client: ClientId) -> Documents:
        """Return a client's documents."""
        return self._documents(client)

    def messages(self, client: ClientId) -> Messages:
        """Return where a client's messages are published."""
        return PubSubMessages(lambda topic: topic_path(self._settings.project, client, topic))

    def start_run(self, client: ClientId, day: date | None) -> str:
        """Start a client's daily bid and return the execution's full name."""
        argument = {"client": client, "day": None if day is None else day.isoformat()}
        return self._start(client, DAILY_BID, argument)

    def start_benchmark(self, client: ClientId) -> str:
        """Have a client's bid methods tried on what is due, and return the execution's full name."""
        return self._start(client, BENCHMARK, {"client": client})

    def _start(self, client: ClientId, name: str, argument: Document) -> str:
        workflow = workflow_path(self._settings.project, self._settings.location, client, name)
        return self._executions().start(workflow, argument)

    def execution(self, name: str) -> Execution:
        """Return an execution as it stands."""
        return self._executions().get(name)

    def exchange_orders(
        self, client: ClientId, settings: ExchangeSettings, plan: Plan
    ) -> list[Document]:
        """Return the orders of a run's areas as the exchange holds them.

        versions: who made each version of an order, when, with which comment; not its content.
        """
        market = configuration_in(self.documents(client), plan).market
        if market.reserve is not None:
            return []  # an operator keeps no list that could be read
        exchange = nord_pool_of(settings)
        auction = exchange.auction(market, plan.run.day)
        return [
            {**order, "versions": _history(order["versions"])}
            for area in plan.price_areas
            for order in exchange.orders(auction, plan.portfolio, area)
        ]

    def replay(self, client: ClientId, run: RunId, asset: AssetId, scenario: ScenarioId) -> Replay:
        """Solve a scenario of a run again, in a process of its own, and compare."""
        with SolverProcesses(workers=1) as solver:
            solvers = solvers_of(solver, ExternalSolverSettings())
            return replay_scenario(
                self.documents(client), self.clock, solvers, run, asset, scenario
            )


def _history(versions: list[Document]) -> list[Document]:
    told = ("version", "state", "modifier", "modified", "comment")
    return [{name: version[name] for name in told if name in version} for version in versions]
