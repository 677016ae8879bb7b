"""Words of others that no document can hold: they are kept as far as it can."""

from __future__ import annotations

import pytest
from examples import DAY, SINTEF, published, with_asset_fields
from scripted import fails, order_of, with_exchange

from hydrobid.domain.alerts import AlertCode
from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import ExchangeRefused
from hydrobid.domain.plain_text import DEEPEST, TOO_DEEP, plain
from hydrobid.domain.states import RunState
from hydrobid.pipeline.read_run import run_alerts
from hydrobid.schema import ClientInputs


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("limit \ud83d exceeded", "limit ? exceeded"),
        ("\ud83d\ude00 is two halves here", "?? is two halves here"),
        ("høyde 😀", "høyde 😀"),
        ({"a\udcff": [("\ude00", 1, None, True)]}, {"a?": [["?", 1, None, True]]}),
    ],
)
def test_plain__halves_of_characters_are_replaced(content: object, kept: object):
    assert plain(content) == kept
    canonical_json(plain(content))


def test_plain__what_lies_too_deep_is_left_out():
    content: object = "deep"
    for _ in range(100_000):
        content = [content]
    found, levels = plain(content), 0
    while isinstance(found, list):
        (found,) = found
        levels += 1
    assert (levels, found) == (DEEPEST, TOO_DEEP)


def test_refused__with_half_a_character__is_recorded_and_told(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, method={"name": "water_value"}))
    with_exchange(pipeline, fails(ExchangeRefused("limit \ud83d exceeded", status=400)))

    view = pipeline.run(SINTEF, DAY)

    assert view.state is RunState.FAILED
    (words,) = order_of(view).refused.values()
    assert words["message"] == "limit ? exceeded"
    (alert,) = run_alerts(pipeline.documents, view.plan.run)
    assert alert.code is AlertCode.ORDER_REFUSED
    assert "limit ? exceeded" in alert.message
