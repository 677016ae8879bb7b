"""The fallback chain of an asset: what to bid when its scenarios give no safe bid.

The same day's older revision, then yesterday's accepted bid, then a bid from water values, then
none. An asset's configuration says which links may be taken.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from hydrobid.bidding.fallback import bid_of_another_day, in_blocks_alone, on_other_water
from hydrobid.bidding.tails import Reach
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration, Fallback
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.market import Market
from hydrobid.domain.orders import INSTEAD
from hydrobid.domain.plan import Plan
from hydrobid.pipeline.older_bid import older_bid, partial_bid
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.run_inputs import asset_at_day, configuration_in, plan_of
from hydrobid.pipeline.yesterday import stood_yesterday

Found = tuple[BidMatrix, str]


def fallback_bid(
    documents: Documents, plan: Plan, market: Market, asset: AssetConfiguration
) -> Found | tuple[None, None]:
    """Return the bid of the first link that has one, and what it was taken from.

    asset: with its levels of the day's beginning, as `asset_at_day` has it.
    A link that is broken, as a bid under other market rules, is passed over for the next.
    """
    links: dict[Fallback, Callable[[], Found | None]] = {
        Fallback.OLDER_REVISION: lambda: _older_revision(documents, plan, market, asset),
        Fallback.YESTERDAY: lambda: _yesterday(documents, plan, market, asset),
        Fallback.WATER_VALUE: lambda: _water_value(plan, market, asset),
    }
    for link, bid in links.items():
        if link not in asset.fallback:
            continue
        try:
            found = bid()
        except PermanentError:
            continue
        if found is not None and found[0].price_area == asset.price_area:
            return found
    return None, None


def link_rank(link: str | None) -> tuple[int, int, float]:
    """Return what links are compared by: which, of which revision, and how much that rests on."""
    if link is None:
        return 0, 0, 0.0
    name, *words = link.split(" ")
    place = len(Fallback) - list(Fallback).index(Fallback(name))
    if name != Fallback.OLDER_REVISION:
        return place, 0, 0.0
    run, share = RunId.parse(words[0]), words[1] if len(words) > 1 else "1/1"
    return place, run.revision, float(Fraction(share))


def _older_revision(
    documents: Documents, plan: Plan, market: Market, asset: AssetConfiguration
) -> Found | None:
    older = older_bid(documents, plan, asset.asset)
    found = None if older is None else older.bid()
    if older is None or found is None:
        return None
    bid = _carried_over(documents, plan, market, asset, found, older.run)
    return None if bid is None else (bid, older.link)


def _yesterday(
    documents: Documents, plan: Plan, market: Market, asset: AssetConfiguration
) -> Found | None:
    """The asset's part in the bid that stood at the exchange when yesterday's gate closed."""
    stood = stood_yesterday(documents, plan, asset.price_area)
    if stood is None or stood.overridden or stood.bid_version == INSTEAD:
        return None  # what stood was not made of the assets' bids
    found = partial_bid(documents, stood.run, asset.asset)
    if found is None:
        return None
    bid = _carried_over(documents, plan, market, asset, found, stood.run)
    return None if bid is None else (bid, f"{Fallback.YESTERDAY} {stood.run}")


def _carried_over(
    documents: Documents,
    plan: Plan,
    market: Market,
    asset: AssetConfiguration,
    found: BidMatrix,
    made_by: RunId,
) -> BidMatrix | None:
    """Return the bid of another run, moved by what marginal cost has changed since.

    None where it was all in blocks, which are not carried over.
    """
    bid = bid_of_another_day(found, market, plan.run.day)
    earlier = plan_of(documents, made_by)
    configuration = configuration_in(documents, earlier)
    before = asset_at_day(documents, earlier, configuration, asset.asset)
    grid = market.grid(plan.run.day)
    then, now = (water_value_bid(market, grid, one).curves[0] for one in (before, asset))
    moved = on_other_water(bid, market, then, now, Reach.of(asset.watercourse, market))
    return None if in_blocks_alone(found) and not moved.blocks else moved


def _water_value(plan: Plan, market: Market, asset: AssetConfiguration) -> Found:
    return water_value_bid(market, market.grid(plan.run.day), asset), str(Fallback.WATER_VALUE)
