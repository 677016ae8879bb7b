"""Submission alone: its bids come ready, on some scenarios and then on all, without anything being solved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from simulation import client
from simulation.bus import Bus
from simulation.ports import SimulatedClock, WitnessedDocuments, World

from hydrobid.domain.alerts import AlertCode
from hydrobid.domain.blocks import BlockOrder
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.messages import AssetBid, CutOffReached, Message
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import AssetRecord
from hydrobid.domain.states import Actor, AssetState
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import resolve_alerts, through_revisions
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.recording import record_writes

LEADS = (40, 26, 14, 8, 4, 2)
"""Minutes before the gate at which the first bids are ready: before and after each cut-off."""
GUARDED = (-4, -2, -1, 1, 4)
"""Minutes around the gate at which the guard's tick comes: some, since each looks at everything."""
SHAPES = ("one asset", "one asset", "one asset", "one asset", "two assets", "two areas")
REVISIONS = (0, 0, 1, 2)
LATE = (0.0, 0.0, 30.0, 300.0)
"""Seconds within which an asset's bid is ready, and then its better one."""


@dataclass(frozen=True)
class ReadyBids:
    """The bids of one schedule, each told of by a message on the bus."""

    world: World
    documents: WitnessedDocuments
    clock: SimulatedClock
    bus: Bus
    inputs: client.Inputs

    def come(self, number: int, edition: int) -> None:
        """Plan a revision, have its bids ready a little later, and its cut-offs told in time."""
        inputs = self.inputs.edition(edition)
        publish_inputs(self.documents, self.clock, inputs.configuration, inputs.scenario_sets)
        try:
            request = PlanRequest(client=client.CLIENT, day=client.DAY)
            plan = plan_run(self.documents, self.clock, request).plan
        except PermanentError:
            return  # the gate has closed
        kernel, choices = self.world.kernel, self.world.choices
        for asset in plan.assets:
            when = kernel.now
            for solved in (2, len(client.SCENARIOS)):
                name = f"{asset.asset} on {solved} of {number}"
                when += choices.pick(LATE, f"how late {name}") * choices.unit(f"when {name}")
                kernel.at(when, partial(self._ended, plan, asset, edition, solved))
        for cut_off in ("approval", "submission"):
            when = getattr(plan.cut_offs, cut_off).timestamp()
            if not self.world.faults.strikes("tick-missed", f"{cut_off} of {number}"):
                told = CutOffReached(client=client.CLIENT, run=plan.run, cut_off=cut_off)
                kernel.at(when, partial(self._tell, told))

    def _ended(self, plan: Plan, asset: AssetPlan, edition: int, solved: int) -> None:
        """Write an asset's bid on so many scenarios, where it is better than what is there."""
        path = paths.asset(plan.run, asset.asset)
        stored = self.documents.get(path)
        before = None if stored is None else AssetRecord.from_document(stored)
        coverage = Coverage(
            planned=len(client.SCENARIOS),
            solved=solved,
            probability=sum(list(client.PROBABILITY.values())[:solved]),
        )
        if before is None or before.coverage.solved < solved:
            matrix = put_blob(self.documents, _bid(asset, edition, solved))
            state = AssetState.COMPLETE if coverage.complete else AssetState.PARTIAL
            record, writes = record_writes(
                path,
                AssetRecord(
                    run=plan.run,
                    asset=asset.asset,
                    price_area=asset.price_area,
                    state=state,
                    coverage=coverage,
                    matrix=matrix,
                    cause="solved",
                ),
                before,
                run=plan.run,
                event=f"asset-{state.lower()}",
                actor=Actor.AGGREGATOR,
                clock=self.clock,
                data={"matrix": matrix},
            )
            self.documents.commit(*writes)
            for code in (AlertCode.ASSET_ON_FALLBACK, AlertCode.ASSET_WITHOUT_BID):
                gone = through_revisions(plan.run, code, asset.asset)
                resolve_alerts(self.documents, self.clock, gone)
            told = AssetBid(
                client=client.CLIENT, run=plan.run, asset=asset.asset, version=record.version
            )
            self._tell(told)

    def _tell(self, message: Message) -> None:
        self.bus.publish(message.topic, message.to_document())


@cache
def _bid(asset: AssetPlan, edition: int, solved: int) -> dict[str, Any]:
    """Return a bid that sells something from some price on: what matters is that bids differ.

    Where an asset's method solves scenarios jointly, a block goes with the curves.
    """
    market = client.MARKET
    grid = market.grid(client.DAY)
    dear = 300 + 30 * edition + 5 * solved + len(asset.asset)
    curve = BidCurve((market.min_ticks, 200, dear, market.max_ticks), (0, 0, 400, 600))
    curves = (curve,) * len(grid)
    name = Identifier(f"{asset.asset}-block")
    block = BlockOrder(name=name, price=dear, first=0, lots=(100 + 10 * edition,) * len(grid))
    blocks = () if asset.joint is None else (block,)
    given = (asset.price_area, grid, market.price_tick, market.volume_lot, curves, blocks)
    return BidMatrix(*given).to_document()
