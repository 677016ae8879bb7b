"""Everything that the files of a run are written from, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.methods import method_of
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, Identifier, PriceArea, RunId, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.position import Position
from hydrobid.domain.records import Alert, ScenarioOutcome
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import AreaState, OutcomeState
from hydrobid.domain.time import MtuGrid
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnosis.orders import end_of_order
from hydrobid.pipeline.diagnosis.trail import Trail
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_benchmarks import MethodStanding, benchmarks_of, method_standings
from hydrobid.pipeline.read_results import results_of
from hydrobid.pipeline.read_run import RunView, read_run, run_alerts, run_events, solved_content
from hydrobid.pipeline.readable import Readable
from hydrobid.pipeline.run_inputs import AssetSolves, position_in
from hydrobid.schema import configuration_of

METHOD_DAYS = 30
"""Over how many delivery days bid methods are compared."""


@dataclass(frozen=True)
class RunFacts:
    """A run with the contents that its records name.

    description: the client's own words about itself, from outside and not to be trusted.
    position: where it starts from, None where the day stands by itself. partial_bids, total_bids:
    what was made, whether or not it was sent. end_volumes: Mm3 left in each reservoir at the day's
    end, by asset and solved scenario. results: of the price areas whose auction has come to one.
    methods: how bid methods did on the days up to this one, the best first. stood: when the last of
    the run's bids to do so came to stand, whichever run sent it; None where none did.
    """

    description: str
    configuration: ClientConfiguration
    view: RunView
    position: Position | None
    scenario_sets: Mapping[Identifier, ScenarioSet]
    partial_bids: Mapping[AssetId, BidMatrix]
    total_bids: Mapping[PriceArea, BidMatrix]
    end_volumes: Mapping[AssetId, Mapping[ScenarioId, Mapping[str, float]]]
    results: Mapping[PriceArea, AuctionResult]
    methods: Mapping[AssetId, Sequence[MethodStanding]]
    stood: datetime | None
    events: tuple[Event, ...]
    alerts: tuple[Alert, ...]

    @property
    def plan(self) -> Plan:
        """The run's plan."""
        return self.view.plan

    @property
    def market(self) -> Market:
        """The market's rules as they were when the run was planned."""
        return self.configuration.market

    @property
    def grid(self) -> MtuGrid:
        """The market time units of the delivery day."""
        return self.market.grid(self.plan.run.day)

    def valid_bids(self) -> dict[PriceArea, BidMatrix]:
        """Return the total bids that passed their checks."""
        return {
            area: matrix
            for area, matrix in sorted(self.total_bids.items())
            if self.view.areas[area].state is AreaState.VALIDATED
        }

    def solved(self, asset: AssetId) -> dict[ScenarioId, ScenarioOutcome]:
        """Return the outcomes of an asset that have volumes, in the order of its plan."""
        return {
            scenario: outcome
            for scenario, outcome in self.view.outcomes[asset].items()
            if outcome.state is OutcomeState.SOLVED
        }

    def scenario_set(self, asset: AssetId) -> ScenarioSet:
        """Return the scenario set that an asset of the plan is solved on."""
        own = self.configuration.asset(asset)
        return method_of(own).scenarios(own, self.scenario_sets[own.scenario_set])

    def probabilities(
        self, asset: AssetId, scenarios: Mapping[ScenarioId, object]
    ) -> NDArray[np.float64]:
        """Return the (S,) probabilities of some of an asset's scenarios, in their order."""
        known = self.scenario_set(asset)
        by_id = dict(zip(known.ids, known.probabilities.tolist(), strict=True))
        return np.array([by_id[scenario] for scenario in scenarios])


def gather(documents: Documents, run: RunId) -> RunFacts:
    """Return what is stored of a run, its contents checked against their digests.

    Raises:
        NotFound: no such run. CorruptDocument: a content is not what it was.
    """
    view = read_run(documents, run)
    if view.unreadable:
        broken = "; ".join(f"{each.path}: {each.why}" for each in view.unreadable)
        raise CorruptDocument(f"a report needs the whole run: {broken}")
    inputs = view.plan.inputs
    stored = get_blob(documents, inputs.configuration)
    return RunFacts(
        description=str(stored.get("description", "")),
        configuration=configuration_of(stored),
        view=view,
        position=position_in(documents, view.plan),
        scenario_sets={
            name: ScenarioSet.from_document(get_blob(documents, digest))
            for name, digest in sorted(inputs.scenario_sets.items())
        },
        partial_bids={
            asset: BidMatrix.from_document(get_blob(documents, record.matrix))
            for asset, record in sorted(view.assets.items())
            if record.matrix is not None
        },
        total_bids={
            area: BidMatrix.from_document(get_blob(documents, record.matrix))
            for area, record in sorted(view.areas.items())
            if record.matrix is not None
        },
        end_volumes={
            asset.asset: _end_volumes(documents, view, asset) for asset in view.plan.assets
        },
        results=results_of(documents, view.plan),
        methods=_methods(documents, view, configuration_of(stored)),
        stood=_stood(documents, view.plan),
        events=tuple(run_events(documents, run)),
        alerts=tuple(run_alerts(documents, run)),
    )


def _stood(documents: Documents, plan: Plan) -> datetime | None:
    trail = Trail.read(Readable(documents), plan)
    ends = (end_of_order(trail, area) for area in plan.price_areas)
    return max((end.at for end in ends if end is not None and end.stands), default=None)


def _methods(
    documents: Documents, view: RunView, configuration: ClientConfiguration
) -> dict[AssetId, list[MethodStanding]]:
    days = [view.plan.run.day - timedelta(days=back) for back in range(METHOD_DAYS)][::-1]
    return method_standings(benchmarks_of(documents, configuration, days))


def _end_volumes(
    documents: Documents, view: RunView, asset: AssetPlan
) -> dict[ScenarioId, dict[str, float]]:
    """Return the volumes at the delivery day's end, which a schedule may go beyond.

    Scenarios whose schedules have expired are left out.
    """
    stored = {
        scenario: outcome.schedule
        for scenario, outcome in view.outcomes[asset.asset].items()
        if outcome.schedule is not None
    }
    if not stored:
        return {}
    end = AssetSolves.read(documents, view.plan, asset).problem.horizon.delivery.stop
    found = {s: solved_content(documents, view.plan, d) for s, d in stored.items()}
    return {
        scenario: {
            reservoir: float(volumes[end]) for reservoir, volumes in schedule["volume"].items()
        }
        for scenario, schedule in found.items()
        if schedule is not None
    }
