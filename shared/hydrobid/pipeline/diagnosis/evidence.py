"""Everything that a run has left behind, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hydrobid.bidding.methods import method_of
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Identifier, PriceArea, RunId
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.position import Position
from hydrobid.domain.records import Alert
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnosis.trail import Trail
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import RunView, read_run, readable_alerts
from hydrobid.pipeline.readable import Readable, Unreadable
from hydrobid.pipeline.run_inputs import configuration_in, position_in


@dataclass(frozen=True)
class Evidence:
    """A run's records, its trail, its inputs and its alerts; bids are fetched when asked for."""

    documents: Documents
    readable: Readable
    view: RunView
    trail: Trail
    configuration: ClientConfiguration
    position: Position | None
    scenario_sets: Mapping[Identifier, ScenarioSet]
    alerts: tuple[Alert, ...]

    @classmethod
    def read(cls, documents: Documents, run: RunId) -> Evidence:
        """Return what there is of a run; raise NotFound where it was never planned."""
        view, readable = read_run(documents, run), Readable(documents)
        return cls(
            documents=documents,
            readable=readable,
            view=view,
            trail=Trail.read(readable, view.plan),
            configuration=configuration_in(documents, view.plan),
            position=position_in(documents, view.plan),
            scenario_sets={
                name: ScenarioSet.from_document(get_blob(documents, digest))
                for name, digest in view.plan.inputs.scenario_sets.items()
            },
            alerts=tuple(readable_alerts(readable, run)),
        )

    @property
    def plan(self) -> Plan:
        """The run's plan."""
        return self.view.plan

    def scenarios_of(self, asset: AssetPlan) -> ScenarioSet:
        """Return the scenario set that an asset is solved on."""
        own = self.configuration.asset(asset.asset)
        return method_of(own).scenarios(own, self.given_to(asset))

    def given_to(self, asset: AssetPlan) -> ScenarioSet:
        """Return the client's scenario set that an asset's was derived from."""
        return self.scenario_sets[asset.scenario_set]

    def matrix(self, digest: str) -> BidMatrix | None:
        """Return the bid of a digest, None where it cannot be read."""
        return self.readable.matrix(digest)

    def unreadable_of(self, area: PriceArea) -> list[str]:
        """Return the paths of a price area's records that cannot be read."""
        run, portfolio = self.plan.run, self.plan.portfolio
        own = [paths.asset(run, asset.asset) for asset in self.plan.assets_in(area)]
        own += [paths.area(run, portfolio, area), paths.order(run, portfolio, area)]
        broken = {each.path for each in self.view.unreadable}
        return [path for path in own if path in broken]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The documents of the run that could not be read so far."""
        return (*self.view.unreadable, *self.readable.unreadable)
