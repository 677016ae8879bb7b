"""Of which partial bids a price area's bid was made."""

from __future__ import annotations

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AssetRecord
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents


def parts_of_bid(
    documents: Documents, plan: Plan, area: PriceArea, matrix: str
) -> dict[AssetId, BidMatrix]:
    """Return the partial bids in an area's bid of one content; an asset that had no part has none.

    An asset may have been lifted to a better bid since: the trail knows which version went into
    what. Where no event tells of the content, each asset's newest bid is taken.
    """
    merged = _merged(documents, plan, area, matrix)
    digests = {
        asset.asset: _newest(documents, plan, asset.asset)
        if merged is None
        else _version(documents, plan, asset.asset, merged)
        for asset in plan.assets_in(area)
    }
    return {
        asset: BidMatrix.from_document(get_blob(documents, digest))
        for asset, digest in digests.items()
        if digest is not None
    }


def _merged(documents: Documents, plan: Plan, area: PriceArea, matrix: str) -> Event | None:
    entity = paths.entity_of(paths.area(plan.run, plan.portfolio, area))
    events = map(Event.from_document, documents.find(paths.EVENTS, entity=entity).values())
    told = (event for event in events if event.data.get("matrix") == matrix)
    return next((event for event in told if "assets" in event.data), None)


def _version(documents: Documents, plan: Plan, asset: AssetId, merged: Event) -> str | None:
    version = merged.data["assets"].get(asset)
    if version is None or asset in merged.data.get("missing", {}):
        return None
    entity = paths.entity_of(paths.asset(plan.run, asset))
    stored = documents.get(paths.event(f"{entity}~{version}"))
    found: str | None = None if stored is None else Event.from_document(stored).data["matrix"]
    return found


def _newest(documents: Documents, plan: Plan, asset: AssetId) -> str | None:
    stored = documents.get(paths.asset(plan.run, asset))
    return None if stored is None else AssetRecord.from_document(stored).matrix
