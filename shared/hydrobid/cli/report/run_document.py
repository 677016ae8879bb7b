"""`run.json`: a run for machines."""

from __future__ import annotations

import json
from typing import Any

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.statistics import area_prices, offer_of
from hydrobid.domain.canonical import rounded
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.time import utc_text

DECIMALS = 6


def run_document(facts: RunFacts) -> dict[str, Any]:
    """Return a run as JSON-ready data: its plan, where it stands and every record of it.

    Volumes are in MW, generation-positive; energy in MWh; instants UTC.
    """
    plan, grid = facts.plan, facts.grid
    return {
        "run": str(plan.run),
        "client": str(plan.client),
        "market": str(plan.run.market),
        "day": plan.run.day.isoformat(),
        "revision": plan.run.revision,
        "state": str(facts.view.state),
        "currency": facts.market.currency,
        "time_zone": facts.market.time_zone,
        "mtus": {"count": len(grid), "minutes": grid.minutes, "start": utc_text(grid.start)},
        "plan": plan.to_document(),
        "assets": {str(asset.asset): _asset(facts, asset.asset) for asset in plan.assets},
        "areas": {str(area): _area(facts, area) for area in plan.price_areas},
        "results": {str(area): result.to_document() for area, result in facts.results.items()},
        "alerts": [alert.to_document() for alert in facts.alerts],
        "events": {"count": len(facts.events)},
    }


def json_text(content: Any) -> str:
    """Return content as JSON for people and diffs: sorted keys, canonical rounding."""
    return json.dumps(_rounded(content), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _asset(facts: RunFacts, asset: AssetId) -> dict[str, Any]:
    """Return the asset's record and counts; no state where it has not answered."""
    outcomes = facts.view.outcomes[asset]
    solved = len(facts.solved(asset))
    counts = {"solved": solved, "failed": len(outcomes) - solved}
    record = facts.view.assets.get(asset)
    return {"scenarios": counts, **({"state": None} if record is None else record.to_document())}


def _area(facts: RunFacts, area: PriceArea) -> dict[str, Any]:
    record, order = facts.view.areas.get(area), facts.view.orders.get(area)
    bid = facts.total_bids.get(area)
    offer = None if bid is None else offer_of(bid, area_prices(facts, area))
    return {
        "bid": None if record is None else record.to_document(),
        # A lease is the reconciler's own affair and names a process.
        "order": None if order is None else order.model_dump(mode="json", exclude={"lease"}),
        "volume": None
        if offer is None
        else {
            "lowest": offer.lowest,
            "highest": offer.highest,
            "mean_at_expected_price": offer.at_expected,
            "energy_at_expected_price": offer.energy,
        },
    }


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_rounded(value) for value in content]
    return rounded(content, DECIMALS) if isinstance(content, float) else content
