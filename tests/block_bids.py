"""A client whose asset is bid by curves and blocks, found at once and not by a solver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from examples import DAY, SINTEF, published, with_asset_fields

from hydrobid.adapters.memory import InProcessJointSolver
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import TaskId
from hydrobid.domain.messages import AssetSettled
from hydrobid.hydro.curve_program import CurveProgram, SharedCurves
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.read_run import RunView, read_run
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.schema import ClientInputs

BLOCKS = {"name": "blocks", "scenarios": 6}


def block_pipeline(inputs: ClientInputs, *blocks: float) -> InProcessPipeline:
    """Return a pipeline whose joint tasks come to blocks of so many MW, and curves up to 40 MW."""
    pipeline = published(with_asset_fields(inputs, method=BLOCKS))
    offer(pipeline, *blocks)
    return pipeline


def offer(pipeline: InProcessPipeline, *blocks: float) -> None:
    """Have joint tasks come to other blocks from now on."""
    pipeline.solver = InProcessJointSolver(
        solve_problem, lambda _problem, _scenarios, program: _shared(program, blocks)
    )


def bid_the_day(pipeline: InProcessPipeline) -> RunView:
    """Plan the newest inputs, solve their joint task alone, and bring it to the exchange."""
    plan = pipeline.plan(SINTEF, DAY).plan
    for asset in plan.assets:
        request = TaskRequest(client=SINTEF, run=plan.run, asset=asset.asset, task=TaskId("joint"))
        solve_task(pipeline.documents, pipeline.clock, pipeline.solvers, request)
        pipeline.messages.publish(AssetSettled(client=SINTEF, run=plan.run, asset=asset.asset))
    pipeline.deliver()
    return read_run(pipeline.documents, plan.run)


def content(pipeline: InProcessPipeline, digest: Any) -> BidMatrix:
    """Return a bid by its digest."""
    return BidMatrix.from_document(get_blob(pipeline.documents, str(digest)))


def _shared(program: CurveProgram, blocks: Sequence[float]) -> SharedCurves:
    volumes = tuple(np.linspace(0.0, 40.0, points.size) for points in program.points)
    held = np.zeros(len(program.blocks))
    held[: len(blocks)] = blocks
    return SharedCurves(volumes, 1.0, held)
