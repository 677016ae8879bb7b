"""An auction's results as Nord Pool's Auction API publishes them, turned to our sign.

Prices, trades and portfolio volumes are three documents; fields are those of the exchange's public
starter kit, NordPool/AuctionApi-StarterKit. Volumes are buy positive there, as orders are; a trade
names its side as well, which is what counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult, Series, TradedOrder
from hydrobid.domain.time import MtuGrid, parse_instant

FINAL = "Final"
RESULT_STATES = ("NotAvailable", "PreliminaryResults", FINAL, "InitialPrice")
ORDER_KINDS = {"Curve": "curve", "Block": "block"}
SIDES = {"Buy": -1, "Sell": 1}

Documents = tuple[Mapping[str, Any], Iterable[Mapping[str, Any]], Mapping[str, Any]]


def published_result(
    market: Market,
    grid: MtuGrid,
    auction: str,
    portfolio: Portfolio,
    area: PriceArea,
    documents: Documents,
) -> PublishedResult | None:
    """Return what an auction came to for portfolio and area; None while a figure is missing.

    documents: what `/prices`, `/trades` and `/portfoliovolumes` answered.

    Raises:
        CorruptDocument: they are not of the form that the exchange describes.
    """
    prices, trades, volumes = documents
    try:
        found, final = _prices(market, grid, area, prices)
        net = _net_volumes(grid, portfolio, area, volumes)
        if found is None or net is None:
            return None
        return PublishedResult(
            auction=auction,
            portfolio=portfolio,
            price_area=area,
            currency=market.currency,
            status="final" if final else "preliminary",
            mtu_start=grid.start,
            mtu_minutes=market.mtu_minutes,
            prices=found,
            volumes=net,
            trades=tuple(_traded(grid, portfolio, area, trades)),
        )
    except (KeyError, TypeError, ValueError, IndexError, InvalidInput) as error:
        told = type(error).__name__
        raise CorruptDocument(
            f"the results of {auction} are not as the exchange describes them: {told} {error}",
            auction=auction,
            price_area=area,
        ) from error


def _prices(
    market: Market, grid: MtuGrid, area: PriceArea, document: Mapping[str, Any]
) -> tuple[Series | None, bool]:
    """Return the (T,) prices of an area and whether all are final; None where one is missing."""
    found: dict[datetime, float] = {}
    states = set()
    for contract in document["contracts"]:
        start, end = _span(contract)
        if end - start != grid.step:
            continue  # products of another resolution have prices of their own
        for priced in contract["areas"]:
            if priced["areaCode"] != area:
                continue
            for price in priced["prices"]:
                if price["currencyCode"] == market.currency and price["marketPrice"] is not None:
                    found[start] = float(price["marketPrice"])
                    states.add(_named(price["status"], RESULT_STATES))
    starts = grid.starts()
    if not all(start in found for start in starts) or "NotAvailable" in states:
        return None, False
    return tuple(found[start] for start in starts), states == {FINAL}


def _net_volumes(
    grid: MtuGrid, portfolio: Portfolio, area: PriceArea, document: Mapping[str, Any]
) -> Series | None:
    """Return the (T,) MW of a portfolio in an area, sold positive; None where one is missing."""
    total = _Volumes(grid)
    for owner in document["portfolioNetVolumes"]:
        if owner["portfolio"] != portfolio:
            continue
        for located in owner["areaNetVolumes"]:
            if located["areaCode"] != area:
                continue
            for net in located["netVolumes"]:
                if net["netVolume"] is None:
                    return None
                total.add(net, -float(net["netVolume"]))
    return total.series()


def _traded(
    grid: MtuGrid, portfolio: Portfolio, area: PriceArea, summaries: Iterable[Mapping[str, Any]]
) -> Iterable[TradedOrder]:
    """Return what each order of a portfolio in an area came to, blocks by their names."""
    orders: defaultdict[tuple[str, str, str | None], _Volumes] = defaultdict(lambda: _Volumes(grid))
    for summary in summaries:
        if summary["portfolio"] != portfolio or summary["areaCode"] != area:
            continue
        kind = ORDER_KINDS[_named(summary["orderResultType"], tuple(ORDER_KINDS))]
        name = (summary.get("name") or None) if kind == "block" else None
        volumes = orders[str(summary["orderId"]), kind, name]
        for trade in summary["trades"]:
            side = SIDES[_named(trade["side"], tuple(SIDES))]
            volumes.add(trade, side * abs(float(trade["volume"])))
    return [
        TradedOrder.model_validate(
            {"order_id": order, "kind": kind, "name": name, "volumes": volumes.series()}
        )
        for (order, kind, name), volumes in sorted(
            orders.items(), key=lambda item: (*item[0][:2], item[0][2] or "")
        )
    ]


class _Volumes:
    """Volumes of contracts of any resolution, added up over the MTUs that each covers."""

    def __init__(self, grid: MtuGrid) -> None:
        self._grid = grid
        self._volumes = [0.0] * len(grid)

    def add(self, contract: Mapping[str, Any], volume: float) -> None:
        """Add a contract's MW to the MTUs between its delivery's start and end."""
        start, end = _span(contract)
        first, early = divmod(start - self._grid.start, self._grid.step)
        after, late = divmod(end - self._grid.start, self._grid.step)
        if early or late or not 0 <= first < after <= len(self._grid):
            raise ValueError(f"contract from {start} to {end} is not of whole MTUs of the day")
        for index in range(first, after):
            self._volumes[index] += volume

    def series(self) -> Series:
        return tuple(rounded(volume, POWER_DECIMALS) for volume in self._volumes)


def _span(contract: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return parse_instant(contract["deliveryStart"]), parse_instant(contract["deliveryEnd"])


def _named(value: Any, names: tuple[str, ...]) -> str:
    """Return an enumeration's name; the exchange may send its number as well."""
    if isinstance(value, int) and not isinstance(value, bool):
        return names[value]
    if value not in names:
        raise ValueError(f"{value!r} is none of {', '.join(names)}")
    return str(value)
