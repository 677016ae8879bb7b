"""Scenarios from a forecast and its past errors: their spread, their togetherness, their seeds."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.bidding.scenarios.generation import block_bootstrap, gaussian_copula
from hydrobid.bidding.scenarios.scores import covered, energy_score
from hydrobid.domain.errors import InvalidInput

SEED = 20261127
WAYS = [block_bootstrap, gaussian_copula]


def past_errors(days: int, seed: int = SEED) -> np.ndarray:
    """Errors of two series over six MTUs that drift over the day, the second against the first."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 4, (days, 6)).cumsum(axis=1)
    return np.stack([shared, -shared + rng.normal(0, 1, (days, 6))], axis=1)


FORECAST = np.array([[30.0] * 6, [80.0] * 6])


@pytest.mark.parametrize("way", WAYS)
def test_generation__one_seed_is_one_set_and_another_seed_another(way):
    errors = past_errors(60)

    drawn = way(FORECAST, errors, 40, 7)

    assert drawn.shape == (40, 2, 6)
    np.testing.assert_array_equal(way(FORECAST, errors, 40, 7), drawn)
    assert not np.array_equal(way(FORECAST, errors, 40, 8), drawn)


@pytest.mark.parametrize("way", WAYS)
def test_generation__has_the_spread_and_the_correlations_of_the_errors(way):
    errors = past_errors(200)
    flat = errors.reshape(200, -1)

    drawn = (way(FORECAST, errors, 2000, SEED) - FORECAST).reshape(2000, -1)

    np.testing.assert_allclose(drawn.mean(axis=0), flat.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(drawn.std(axis=0), flat.std(axis=0), rtol=0.05)
    difference = np.corrcoef(drawn.T) - np.corrcoef(flat.T)
    assert np.abs(difference).max() < 0.12
    assert np.corrcoef(drawn[:, 5], drawn[:, 11])[0, 1] < -0.85


@pytest.mark.parametrize("way", WAYS)
def test_generation__bands_hold_their_share_of_days_that_were_not_seen(way):
    errors, later = past_errors(150), past_errors(300, SEED + 1)
    drawn = way(FORECAST, errors, 150, SEED)[:, 0]
    equal = np.full(150, 1 / 150)

    hits = [covered(drawn, equal, FORECAST[0] + day[0], (0.5, 0.8)) for day in later]

    for share in (0.5, 0.8):
        assert np.mean([hit[share] for hit in hits]) / 6 == pytest.approx(share, abs=0.08)


def test_block_bootstrap__takes_each_past_day_once_before_any_again():
    errors = past_errors(20)

    drawn = block_bootstrap(FORECAST, errors, 20, SEED) - FORECAST

    np.testing.assert_allclose(np.sort(drawn[:, 0, 0]), np.sort(errors[:, 0, 0]))


def test_block_bootstrap__keeps_series_together_within_a_block():
    errors = past_errors(20)

    drawn = block_bootstrap(FORECAST, errors, 30, SEED, block=4) - FORECAST

    for scenario in drawn:
        sources = [
            {day for day in range(20) if np.allclose(errors[day, :, part], scenario[:, part])}
            for part in (slice(0, 4), slice(4, 6))
        ]
        assert all(sources)
    assert not any(np.allclose(scenario, day) for scenario in drawn[:5] for day in errors)


def test_generation__tells_more_of_a_day_than_independent_mtus_do():
    errors, later = past_errors(150), past_errors(200, SEED + 1)
    rng = np.random.default_rng(SEED)
    joint = gaussian_copula(FORECAST, errors, 100, SEED)[:, 0]
    apart = np.stack([rng.permutation(joint[:, mtu]) for mtu in range(6)], axis=1)
    equal = np.full(100, 0.01)

    scores = [
        np.mean([energy_score(values, equal, FORECAST[0] + day[0]) for day in later])
        for values in (joint, apart)
    ]

    assert scores[0] < scores[1]


@pytest.mark.parametrize(
    ("forecast", "errors", "count", "expected"),
    [
        (FORECAST, past_errors(60), 0, "scenarios is 0"),
        (FORECAST, past_errors(9), 5, "10 days or more"),
        (FORECAST[:, :5], past_errors(60), 5, r"\(days, 2, 5\)"),
        (FORECAST * np.nan, past_errors(60), 5, "12 that are not finite"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_generation__refuses_what_it_cannot_draw_from(way, forecast, errors, count, expected):
    with pytest.raises(InvalidInput, match=expected):
        way(forecast, errors, count, SEED)


@pytest.mark.parametrize("block", [0, 7])
def test_block_bootstrap__refuses_a_block_that_is_no_part_of_the_day(block):
    with pytest.raises(InvalidInput, match="block"):
        block_bootstrap(FORECAST, past_errors(60), 5, SEED, block=block)
