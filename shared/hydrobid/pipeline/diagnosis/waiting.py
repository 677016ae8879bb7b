"""What a run that is not finished waits for."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.plan import AssetPlan
from hydrobid.pipeline.diagnosis.evidence import Evidence


def waits_for(evidence: Evidence) -> tuple[str, ...]:
    """Return, in words, what each price area waits for; nothing for a run that is finished."""
    if evidence.view.state.finished:
        return ()
    return tuple(line for area in evidence.plan.price_areas for line in _area(evidence, area))


def _area(evidence: Evidence, area: PriceArea) -> Iterator[str]:
    broken = evidence.unreadable_of(area)
    if broken:
        yield f"{area}: what it waits for cannot be told without {', '.join(broken)}"
        return
    view = evidence.view
    planned = evidence.plan.assets_in(area)
    unsettled = [asset for asset in planned if asset.asset not in view.assets]
    record, order = view.areas.get(area), view.orders.get(area)
    if record is None and unsettled:
        for asset in unsettled:
            yield _asset(evidence, asset)
    elif record is None:
        yield (
            f"{area}: every asset is settled, and submission has not merged them: their messages "
            f"are on their way, or dead letters"
        )
    elif record.pending:
        signed = "".join(f", approved by {signature.by}" for signature in record.signatures)
        yield f"{area}: bid {record.bid_version} waits for approval{signed}"
    elif order is not None and not order.settled:
        state = "not sent yet" if order.state is None else str(order.state)
        yield f"{area}: the order is {state} at the exchange after {order.attempts} sendings"


def _asset(evidence: Evidence, asset: AssetPlan) -> str:
    absent = len(asset.scenarios) - len(evidence.trail.of_outcomes(asset))
    if absent:
        return f"{asset.asset}: {absent} of {len(asset.scenarios)} scenarios have no outcome"
    return (
        f"{asset.asset}: every scenario has an outcome, and the aggregator has not settled it: its "
        f"message is on its way, or a dead letter"
    )
