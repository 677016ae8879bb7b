"""The problem of a daily bid: from when the levels hold, over the delivery day and beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem, Series, Trade


def daily_problem(watercourse: Watercourse, horizon: Horizon, sold: Sequence[float]) -> Problem:
    """Return the problem in which what is sold before the delivery day is produced until it begins.

    sold: MW of each period before the delivery day. Nothing else can be traded in these, so that
    what is produced more or less is a broken limit, at its price. From the delivery day on the
    market is what the watercourse's conditions say.
    """
    problem = Problem.over(watercourse, horizon)
    before = horizon.delivery.start
    if len(sold) != before:
        expected = f"one for each of {before} periods before the delivery day"
        raise InvalidInput.of("daily problem", "sold", len(sold), expected)
    if not before:
        return problem
    known = Trade(np.asarray(sold), *np.zeros((3, before)))
    parts = {
        part.name: np.concatenate(
            [getattr(known, part.name), getattr(problem.trade, part.name)[before:]]
        )
        for part in fields(Trade)
    }
    return replace(problem, trade=Trade(**parts))


def offered(problem: Problem, net_power: Series) -> Series:
    """Return the (D,) MW that a schedule of (T,) net power sells on the delivery day.

    What was sold of that day already is delivered as well, and is no part of the bid.
    """
    day = problem.horizon.delivery
    volumes: Series = net_power[day] - problem.trade.obligation[day]
    return volumes
