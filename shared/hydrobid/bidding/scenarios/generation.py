"""Scenarios of a day from a point forecast and what such forecasts missed on past days.

Series are drawn jointly: price areas that err together, and inflow that errs with prices, do so in
the scenarios. Both ways are seeded, and all draws are equally probable.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import InvalidInput

Floats = NDArray[np.float64]

FEWEST_DAYS = 10
OWN_SHARE = 0.05
"""How much of a correlation between two MTUs is put down to chance: errors of a few past days
correlate in more ways than the errors of the next will."""


def block_bootstrap(
    forecast: Floats, errors: Floats, count: int, seed: int, block: int | None = None
) -> Floats:
    """Return (S, K, T) scenarios: the forecast with errors of past days, joined block by block.

    forecast: (K, T) of K series. errors: (D, K, T), what happened less what was forecast, on D past
    days. block: MTUs that are taken from one past day together, in all series; whole days where it
    is None. Each past day serves once before any serves again: Künsch's block bootstrap (1989)
    with balanced draws.
    """
    _check(forecast, errors, count)
    rng = np.random.default_rng(seed)
    days, _, mtus = errors.shape
    length = mtus if block is None else block
    if not 1 <= length <= mtus:
        raise InvalidInput.of("scenario generator", "block", block, f"1 to {mtus} MTUs")
    drawn = np.empty((count, *forecast.shape))
    for start in range(0, mtus, length):
        rounds = [rng.permutation(days) for _ in range(-(-count // days))]
        taken = np.concatenate(rounds)[:count]
        drawn[:, :, start : start + length] = errors[taken, :, start : start + length]
    return forecast + drawn


def gaussian_copula(forecast: Floats, errors: Floats, count: int, seed: int) -> Floats:
    """Return (S, K, T) scenarios: errors with each MTU's own spread, together as past ones were.

    forecast: (K, T). errors: (D, K, T). Each series has in each MTU the quantiles of its past errors,
    evenly covered by the draws; the ranks of the draws correlate as normal scores of past errors
    did (Pinson et al., From probabilistic forecasts to statistical scenarios, 2009).
    """
    _check(forecast, errors, count)
    rng = np.random.default_rng(seed)
    days = errors.shape[0]
    flat = errors.reshape(days, -1)
    scores = _normal_scores(days)[_ranks(flat)]
    shrunk = (1 - OWN_SHARE) * np.corrcoef(scores.T) + OWN_SHARE * np.eye(flat.shape[1])
    correlation = np.nan_to_num(shrunk, nan=0.0)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    spread = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = rng.standard_normal((count, flat.shape[1])) @ spread.T
    even = (_ranks(normal) + rng.uniform(size=normal.shape)) / count
    levels = (np.arange(days) + 0.5) / days
    ordered = np.sort(flat, axis=0)
    drawn = np.stack(
        [np.interp(even[:, at], levels, ordered[:, at]) for at in range(flat.shape[1])], axis=1
    )
    scenarios: Floats = forecast + drawn.reshape(count, *forecast.shape)
    return scenarios


def _ranks(values: Floats) -> NDArray[np.intp]:
    """Return each value's place in its column, from 0."""
    return np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")


def _normal_scores(count: int) -> Floats:
    normal = NormalDist()
    return np.array([normal.inv_cdf((rank + 0.5) / count) for rank in range(count)])


def _check(forecast: Floats, errors: Floats, count: int) -> None:
    document = "scenario generator"
    if count < 1:
        raise InvalidInput.of(document, "scenarios", count, "1 or more")
    if errors.ndim != 3 or errors.shape[1:] != forecast.shape:
        raise InvalidInput.of(
            document, "errors", errors.shape, f"(days, {', '.join(map(str, forecast.shape))})"
        )
    if errors.shape[0] < FEWEST_DAYS:
        raise InvalidInput.of(
            document, "errors", f"{errors.shape[0]} days", f"{FEWEST_DAYS} days or more"
        )
    for name, values in (("forecast", forecast), ("errors", errors)):
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise InvalidInput.of(document, name, f"{bad} that are not finite", "finite numbers")
