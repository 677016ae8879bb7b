"""What a run that is not finished waits for."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import AssetPlan
from hydrobid.domain.records import AreaRecord
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
    elif _to_be_wanted(record, order):
        yield (
            f"{area}: bid {record.bid_version} is approved, and not wanted yet: submission's message "
            f"is on its way, or a dead letter; the guard acts from the submission cut-off on"
        )
    elif order is not None and not order.settled:
        state = "not sent yet" if order.state is None else str(order.state)
        yield f"{area}: the order is {state} at the exchange after {order.attempts} sendings"


def _to_be_wanted(record: AreaRecord, order: OrderRecord | None) -> bool:
    """Whether a bid is approved and its order, or that there is one, does not know of it."""
    wanted = record.to_be_wanted
    known = () if order is None else order.approved
    return wanted is not None and wanted.fence not in [each.fence for each in known]


def _asset(evidence: Evidence, asset: AssetPlan) -> str:
    absent = len(asset.scenarios) - len(evidence.trail.of_outcomes(asset))
    if absent:
        return f"{asset.asset}: {absent} of {len(asset.scenarios)} scenarios have no outcome"
    if asset.joint is not None and evidence.trail.of_joint(asset) is None:
        return f"{asset.asset}: its joint task has no outcome"
    return (
        f"{asset.asset}: every scenario has an outcome, and the aggregator has not settled it: its "
        f"message is on its way, or a dead letter"
    )
