import copy
from datetime import time

import pytest
from pydantic import ValidationError

from hydrobid.domain.configuration import ClientConfiguration, Fallback
from hydrobid.domain.methods import PriceShifts
from hydrobid.schema import ClientInputs


def configured(inputs: ClientInputs, **changes: object) -> ClientConfiguration:
    document = copy.deepcopy(inputs.configuration["configuration"])
    for path, value in changes.items():
        *groups, field = path.split("__")
        at = document
        for group in groups:
            at = at[int(group)] if group.isdigit() else at[group]
        at[field] = value
    return ClientConfiguration.model_validate(document)


def test_configuration__a_task_longer_than_a_solve_may_take(sintef_inputs: ClientInputs):
    with pytest.raises(ValidationError, match=r"at most stages\.solve\.timeout, 900 s: 2000 s"):
        configured(sintef_inputs, assets__0__scenario_seconds=100.0)


def test_configuration__a_run_that_starts_too_late_to_solve(sintef_inputs: ClientInputs):
    with pytest.raises(ValidationError, match=r"stages\.daily_run so early"):
        configured(sintef_inputs, stages__daily_run=time(11, 20))


def test_configuration__fallback_in_the_chains_order_whatever_was_written(
    sintef_inputs: ClientInputs,
):
    one = configured(sintef_inputs, assets__0__fallback=["water_value", "older_revision"])
    other = configured(sintef_inputs, assets__0__fallback=["older_revision", "water_value"])

    assert one.to_document() == other.to_document()
    assert one.assets[0].fallback == {Fallback.WATER_VALUE, Fallback.OLDER_REVISION}


def test_configuration__what_is_not_stated_of_approval_is_not_written(sintef_inputs: ClientInputs):
    """Documents that were stored before there was a choice keep their digests."""
    plain = configured(sintef_inputs).to_document()
    chosen = configured(
        sintef_inputs,
        approval="four_eyes",
        on_silence="submit_yesterday",
        checks={"price_floor": 5.0},
    )

    assert plain["approval"] == "automatic"
    assert not {"on_silence", "checks"} & set(plain)
    assert ClientConfiguration.from_document(chosen.to_document()) == chosen


@pytest.mark.parametrize("shifts", [3, [-20, 0, 20]])
def test_price_shifts__as_a_document_and_back(shifts):
    method = PriceShifts.model_validate({"shifts": shifts})

    assert method.to_document()["shifts"] == shifts
    assert PriceShifts.from_document(method.to_document()) == method


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"assets__0__solver": "shop"}, "solved by ours alone: shop"),
        (
            {"assets__0__method__name": "blocks", "market__blocks": None},
            "another than blocks, which nordic does not take",
        ),
        (
            {"assets__0__method__name": "blocks", "market__blocks": {"orders_max": 11}},
            "in NO2 together at most the market's blocks.orders_max, 11: 12",
        ),
        (
            {"assets__0__method__name": "blocks", "assets__0__asset": "a" * 71},
            "a name of at most 70 characters",
        ),
        ({"assets__0__method__seconds": 1000.0}, r"method\.seconds of shop-standard at most"),
    ],
)
def test_configuration__a_joint_task_that_cannot_be_solved(
    sintef_inputs: ClientInputs, changes: dict[str, object], named: str
):
    with pytest.raises(ValidationError, match=named):
        configured(sintef_inputs, assets__0__method={"name": "stochastic"}, **changes)
