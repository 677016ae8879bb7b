"""The market's equations: what is sold, what is bought, and what was sold before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.draft import Draft
from hydrobid.hydro.model import PricedColumns
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.sparse import Positions

Array = NDArray[np.float64]


def add_market(draft: Draft) -> tuple[PricedColumns, Positions]:
    """Add the market; return what earns or costs by the price, and (T,) rows of the power balances.

    Where trade has no limits the price is each stream's own and there is nothing to add: what is
    sold already only shifts the sum. Elsewhere power is balanced,

        power - sale + purchase + missing - excess = obligation.

    Below zero a stream pays for the power that its curve's steepest slope would make. A period
    without a power balance has row -1.
    """
    trade, hours, streams = draft.problem.trade, draft.hours, draft.streams
    limited = (
        np.isfinite(trade.sale_max) | np.isfinite(trade.purchase_max) | (trade.purchase_markup > 0)
    )
    priced = [
        _priced(
            draft.stream,
            np.where(limited, 0.0, streams.power) * hours,
            np.where(limited, streams.steepest - streams.power, streams.steepest) * hours,
        )
    ]
    balances = np.full(len(draft.problem), -1)
    if np.any(limited):
        balances[limited], traded = _trade(draft, np.flatnonzero(limited))
        priced += traded
    return PricedColumns(*(np.concatenate(part) for part in zip(*priced, strict=True))), balances


def _trade(
    draft: Draft, periods: Positions
) -> tuple[Positions, list[tuple[Positions, Positions, Array, Array]]]:
    trade, hours = draft.problem.trade, draft.hours[periods]
    markup = trade.purchase_markup[periods]
    sale = draft.builder.columns(periods.size, upper=trade.sale_max[periods])
    purchase = draft.builder.columns(
        periods.size, upper=trade.purchase_max[periods], cost=markup * hours
    )
    sold = trade.obligation[periods]
    rows = draft.rows(periods, "power balance of the market", lower=sold, upper=sold)
    everything = range(len(draft.streams.each))
    draft.add_streams(rows, periods, everything, draft.streams.power)
    draft.builder.add(rows, sale, -1.0)
    draft.builder.add(rows, purchase, 1.0)
    market, price = Identifier(draft.problem.watercourse.name), draft.penalties.power
    missing, excess = ViolationCode.OBLIGATION_NOT_MET, ViolationCode.OBLIGATION_EXCEEDED
    draft.may_miss(rows, periods, 1.0, missing, market, "MW", price)
    draft.may_miss(rows, periods, -1.0, excess, market, "MW", price)
    return rows, [(sale, periods, hours, hours), (purchase, periods, -hours, -hours)]


def _priced(
    columns: Positions, energy: Array, below_zero: Array
) -> tuple[Positions, Positions, Array, Array]:
    """Return the (S, T) columns of which power has a price, flat."""
    at = np.flatnonzero((energy != 0) | (below_zero != 0))
    periods = np.broadcast_to(np.arange(columns.shape[1]), columns.shape)
    return columns.ravel()[at], periods.ravel()[at], energy.ravel()[at], below_zero.ravel()[at]
