"""What an approver should know of a bid's way to its delivery day."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import Finding
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.run_inputs import position_in


def sold_findings(documents: Documents, plan: Plan, area: PriceArea) -> Iterator[Finding]:
    """Yield a warning for each asset of an area of which sales until the day are not all known."""
    try:
        position = position_in(documents, plan)
    except PermanentError:
        return  # whoever solves tells of it: a remark is not worth a bid
    for asset in plan.assets_in(area):
        sold = None if position is None else position.assets.get(asset.asset)
        if sold is not None and sold.unknown is not None:
            yield Finding(
                code="SOLD_UNKNOWN",
                severity="warning",
                where=asset.asset,
                value=sold.unknown,
                rule=f"what is sold before {utc_text(sold.since)} is known",
            )
