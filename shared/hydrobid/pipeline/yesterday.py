"""What stood at the exchange when yesterday's gate closed."""

from __future__ import annotations

from datetime import timedelta

from hydrobid.bidding.fallback import bid_of_another_day
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import PriceArea, RunId
from hydrobid.domain.market import Market
from hydrobid.domain.orders import OrderRecord, Wanted
from hydrobid.domain.plan import Plan
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents


def stood_yesterday(documents: Documents, plan: Plan, area: PriceArea) -> Wanted | None:
    """Return what was approved and stood for the delivery day before a run's, None for nothing."""
    yesterday = RunId(plan.run.market, plan.run.day - timedelta(days=1), 1)
    stored = documents.get(paths.order(yesterday, plan.portfolio, area))
    return None if stored is None else OrderRecord.from_document(stored).stood


def yesterdays_bid(
    documents: Documents, plan: Plan, market: Market, area: PriceArea
) -> BidMatrix | None:
    """Return yesterday's bid on the MTUs of a run's day; None where there is none that can be read."""
    try:
        stood = stood_yesterday(documents, plan, area)
        if stood is None:
            return None
        matrix = BidMatrix.from_document(get_blob(documents, stood.matrix))
        return bid_of_another_day(matrix, market, plan.run.day)
    except PermanentError:
        return None  # as a bid under other market rules
