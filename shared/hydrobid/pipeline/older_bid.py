"""What an asset's solves gave in an older revision of the day: the first link of its fallback chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hydrobid.domain.configuration import Fallback
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import AssetId, RunId
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AssetRecord
from hydrobid.domain.states import AssetState
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import readable_record
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.pipeline.scenario_bid import ScenarioBid, Solved


@dataclass(frozen=True)
class OlderBid:
    """The bid that an asset's solves gave, or would give, in an older revision.

    link: what is noted of a bid that is taken from it, with how much it rests on where that is not
    all. bid: makes it.
    """

    run: RunId
    link: str
    bid: Callable[[], BidMatrix | None]


def older_bid(documents: Documents, plan: Plan, asset: AssetId) -> OlderBid | None:
    """Return the newest of the older revisions' bids that rest on scenarios, None where none does.

    A revision whose solves nobody has settled counts by what they give. One that is on a fallback
    itself, or cannot be read, is passed over for the next.
    """
    for run in reversed(plan.run.revisions[:-1]):
        try:
            found = _solved_in(documents, run, asset)
        except PermanentError:
            continue
        if found is not None:
            return found
    return None


def partial_bid(documents: Documents, run: RunId, asset: AssetId) -> BidMatrix | None:
    """Return the bid that an asset has in a run, None where it has none."""
    stored = documents.get(paths.asset(run, asset))
    matrix = None if stored is None else AssetRecord.from_document(stored).matrix
    return None if matrix is None else BidMatrix.from_document(get_blob(documents, matrix))


def _solved_in(documents: Documents, run: RunId, asset_id: AssetId) -> OlderBid | None:
    earlier = plan_of(documents, run)
    asset = earlier.asset(asset_id)
    if asset is None:
        return None
    record = readable_record(AssetRecord, documents.get(paths.asset(run, asset_id)))
    if record is not None and record.state is AssetState.COMPLETE:
        return OlderBid(run, _link(run, None), lambda: partial_bid(documents, run, asset_id))
    solved = Solved.read(documents, earlier, asset)
    if record is not None and record.state is AssetState.PARTIAL:
        found = solved.joint is not None and solved.joint.found
        if not found and record.coverage.solved >= len(solved.scenarios):
            link = _link(run, record.coverage)
            return OlderBid(run, link, lambda: partial_bid(documents, run, asset_id))
    bid = ScenarioBid.of(documents, earlier, asset, solved)
    if bid.state is None:
        return None
    whole = bid.state is AssetState.COMPLETE
    return OlderBid(run, _link(run, None if whole else bid.coverage), lambda: bid.matrix)


def _link(run: RunId, coverage: Coverage | None) -> str:
    share = "" if coverage is None else f" {coverage.solved}/{coverage.planned}"
    return f"{Fallback.OLDER_REVISION} {run}{share}"
