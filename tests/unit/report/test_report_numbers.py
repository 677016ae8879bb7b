"""What the report computes and how it spells it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from hydrobid.cli.report.statistics import fan, price_span, quantiles
from hydrobid.cli.report.words import listed, number, percent, span_text


def test_quantiles__against_counting_out_each_probability():
    seed = 20261125
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    for _ in range(50):
        scenarios = int(random.integers(1, 30))
        counts = random.integers(1, 9, scenarios)
        values = np.round(random.normal(50, 20, (scenarios, 3)))
        repeated = np.sort(np.repeat(values, counts, axis=0), axis=0)
        for share in (0.1, 0.5, 0.9):
            last = int(np.ceil(round(share * counts.sum(), 9))) - 1
            found = quantiles(values, counts / counts.sum(), (share,))[0]
            assert found.tolist() == repeated[last].tolist()


def test_price_span__few_far_prices__do_not_squeeze_the_rest():
    values = np.tile(np.linspace(30, 60, 200)[:, None], (1, 4))
    weights = np.full(200, 1 / 200)
    low, high = price_span(fan(values, weights))
    assert low < 30
    assert high > 60

    values[-1] = 2000
    low, high = price_span(fan(values, weights))

    assert low > 25
    assert 59 < high < 65


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1234567.85, 1, "1\u202f234\u202f567.9"),
        (-500, 0, "\u2212500"),
        (-0.04, 1, "0.0"),
        (0.0, 2, "0.00"),
    ],
)
def test_number__for_reading(value, decimals, text):
    assert number(value, decimals) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100"), (0.99999, "99.9"), (0.5, "50"), (0.7251, "72.5"), (0.0, "0")]
)
def test_percent__only_the_whole_is_100(share, text):
    assert percent(share) == f"{text}\u202f%"


@pytest.mark.parametrize(
    ("seconds", "text"), [(6.88, "6.9 s"), (42, "42 s"), (5340, "89 min"), (7500, "2 h 05 min")]
)
def test_span_text__largest_units_that_say_enough(seconds, text):
    assert span_text(timedelta(seconds=seconds)) == text


def test_listed__one_two_and_three():
    assert [listed(items) for items in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
