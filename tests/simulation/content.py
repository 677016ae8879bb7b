"""The rules of what bids are made of: solved scenarios make an asset's bid, assets' bids an area's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from simulation import client

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.bidding.methods import method_of
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import AssetId, RunId
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Document
from hydrobid.pipeline.run_inputs import asset_inputs, asset_plan, plan_of

_BIDS: dict[tuple[object, ...], str] = {}
"""Digests of bids by the inputs, the asset and the scenarios that they rest on."""
_SUMS: set[tuple[str, ...]] = set()
"""Digests of areas' bids, each with those of the assets' bids that it is the sum of."""


class Content:
    """Checks bids against what they are said to rest on.

    solves: whether scenarios are solved at all, else assets' bids come from nowhere.
    """

    def __init__(self, documents: MemoryDocuments, *, solves: bool) -> None:
        self._documents, self._solves = documents, solves

    def of_asset(self, path: str, asset: Document) -> Iterator[str]:
        """Yield where a bid on independent scenarios rests on too few, or is not what these give."""
        if asset["unsafe"] is not None or asset.get("joint") == "SOLVED":
            return
        coverage = asset["coverage"]
        if coverage["probability"] < client.ENOUGH - 1e-9:
            yield f"{path} rests on {coverage['probability']}, which is not enough"
        if not self._solves:
            return
        solved = [s for s in client.SCENARIOS if s not in coverage["missing"]]
        for scenario in solved:
            of = f"runs/{asset['run']}/scenarios/{asset['asset']}~{scenario}"
            if (self._documents.get(of) or {}).get("state") != "SOLVED":
                yield f"{path} rests on {scenario}, which is not solved"
        if asset["matrix"] != self._bid(asset, solved):
            yield f"{path} is not the bid that {solved} give"

    def of_area(self, path: str, area: Document) -> Iterator[str]:
        """Yield where a computed bid is not the sum of its assets' bids, as far as these are still there."""
        under = f"runs/{area['run']}/assets"
        assets = [self._documents.get(f"{under}/{asset}") for asset in sorted(area["assets"])]
        found = {asset["asset"]: asset["version"] for asset in assets if asset is not None}
        if area["override"] is not None or area["matrix"] is None or found != area["assets"]:
            return
        parts = tuple(asset["matrix"] for asset in assets if asset and asset["matrix"])
        if (area["matrix"], *parts) in _SUMS:
            return
        if not _is_sum(self._matrix(area["matrix"]), [self._matrix(part) for part in parts]):
            yield f"{path} is not the sum of the bids of {sorted(found)}"
        _SUMS.add((area["matrix"], *parts))

    def _bid(self, asset: Document, solved: list[str]) -> str:
        """Return the digest of the bid that an asset's method gives on what the solver sells."""
        inputs = self._documents.get(f"runs/{asset['run']}")["inputs"]
        key = (str(inputs), asset["asset"], *solved)
        if key not in _BIDS:
            plan = plan_of(self._documents, RunId.parse(asset["run"]))
            planned = asset_plan(plan, AssetId(asset["asset"]))
            configuration, own, scenarios = asset_inputs(self._documents, plan, planned)
            prices = dict(zip(scenarios.ids, scenarios.prices[own.price_area], strict=True))
            volumes = {s: client.sold_at(prices[s]) for s in scenarios.ids if s in solved}
            grid = configuration.market.grid(plan.run.day)
            bid = method_of(own).bid(configuration.market, grid, own, scenarios, volumes)
            _BIDS[key] = bid.digest()
        return _BIDS[key]

    def _matrix(self, digest: str) -> BidMatrix:
        return BidMatrix.from_document(get_blob(self._documents, digest))


def _is_sum(total: BidMatrix, parts: list[BidMatrix]) -> bool:
    """Whether curves add up at every price where one of them bends, and blocks are all there."""
    for at, curve in enumerate(total.curves):
        ticks = np.unique([tick for part in parts for tick in part.curves[at].ticks])
        lots = np.sum([part.curves[at].lots_at(ticks) for part in parts], axis=0)
        # The sum is rounded to whole lots.
        if np.abs(curve.lots_at(ticks) - lots).max() > 0.5 + 1e-6:
            return False
    blocks = [block for part in parts for block in part.blocks]
    return sorted(map(repr, total.blocks)) == sorted(map(repr, blocks))
