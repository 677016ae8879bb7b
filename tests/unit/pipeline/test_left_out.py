"""What fails of one asset or price area keeps no other from being bid, and people are told of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from approver import with_policy
from examples import CASCADE, DAY, published, with_asset_fields
from scripted import Crash

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.identifiers import AssetId
from hydrobid.domain.messages import AssetSettled, CutOffReached, GuardTick
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import AssetState
from hydrobid.pipeline import paths, submission
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.read_run import read_run
from hydrobid.schema import ClientInputs

NO3, NO5 = "NO3", "NO5"
TROUBLED = AssetId("five-lakes")
"""It shares NO5 with another asset; NO3 has one of its own."""


@pytest.fixture
def inputs(cascade_inputs: ClientInputs) -> ClientInputs:
    """The cascade example bid by its water values, so that nothing has to be solved."""
    return with_asset_fields(cascade_inputs, method={"name": "water_value"})


@pytest.fixture
def pipeline(inputs: ClientInputs) -> InProcessPipeline:
    return published(inputs)


def go_to(pipeline: InProcessPipeline, at: datetime) -> None:
    pipeline.clock.advance(at - pipeline.clock.now())


def cut_off(pipeline: InProcessPipeline, plan: Plan) -> None:
    go_to(pipeline, plan.cut_offs.approval)
    pipeline.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off="approval"))


def guard(pipeline: InProcessPipeline, plan: Plan, minutes: int = 5) -> None:
    go_to(pipeline, plan.cut_offs.gate - timedelta(minutes=minutes))
    pipeline.handle(GuardTick(client=CASCADE))


def standing(pipeline: InProcessPipeline) -> list[str]:
    return sorted(order.matrix.price_area for order in pipeline.exchange.orders.values())


def alerts(pipeline: InProcessPipeline) -> list[tuple[str, str, bool]]:
    """Return each alert: its code, of what, and whether it is open."""
    found = pipeline.documents.find(paths.ALERTS).values()
    return sorted((a["code"], a["subject"], a["resolved"] is None) for a in found)


def settling_troubled(
    monkeypatch: pytest.MonkeyPatch, *troubles: BaseException
) -> list[tuple[AssetId, str]]:
    """Have the troubled asset's settling at a cut-off meet these, one each time; return what was settled."""
    settle, left, settled = submission.settle_asset, list(troubles), []

    def troubled(documents, clock, plan, asset, *, cause, actor):
        settled.append((asset, cause))
        if asset == TROUBLED and left:
            raise left.pop(0)
        return settle(documents, clock, plan, asset, cause=cause, actor=actor)

    monkeypatch.setattr(submission, "settle_asset", troubled)
    return settled


def of_a_newer_release(pipeline: InProcessPipeline, path: str) -> Callable[[], None]:
    """Have a document hold a field that this release does not know; return what takes it away."""
    before = pipeline.documents.get(path)
    pipeline.documents.commit(Put(path, {**(before or {}), "of_a_newer_release": 1}))

    def mend() -> None:
        assert before is not None
        pipeline.documents.commit(Put(path, before))

    return mend


def test_unreadable__record_of_an_asset__the_others_are_bid_and_it_is_told_until_it_can_be_read(
    pipeline: InProcessPipeline,
):
    # Given a workflow that died when one asset had been settled, whose record cannot be read
    plan = pipeline.plan(CASCADE, DAY).plan
    pipeline.handle(AssetSettled(client=CASCADE, run=plan.run, asset=TROUBLED))
    pipeline.messages.waiting.clear()
    mend = of_a_newer_release(pipeline, paths.asset(plan.run, TROUBLED))

    # When a cut-off is reached and the guard looks
    cut_off(pipeline, plan)
    guard(pipeline, plan)

    # Then all else is bid, and one alert tells
    assert standing(pipeline) == [NO3, NO5]
    area = pipeline.documents.get(paths.area(plan.run, plan.portfolio, NO5))
    assert area is not None
    assert area["missing"] == {TROUBLED: "MISSING"}
    assert alerts(pipeline) == [("CORRUPT_DOCUMENT", TROUBLED, True)]
    (broken,) = read_run(pipeline.documents, plan.run).unreadable
    assert broken.path == paths.asset(plan.run, TROUBLED)

    mend()
    guard(pipeline, plan, 4)
    assert alerts(pipeline) == [("CORRUPT_DOCUMENT", TROUBLED, False)]
    assert read_run(pipeline.documents, plan.run).areas[NO5].missing == {}


@pytest.mark.parametrize("kind", ["area", "order"])
def test_unreadable__record_of_an_area__the_other_is_bid_and_one_alert_tells(
    pipeline: InProcessPipeline, kind: str
):
    plan = pipeline.plan(CASCADE, DAY).plan
    of_a_newer_release(pipeline, getattr(paths, kind)(plan.run, plan.portfolio, NO3))

    cut_off(pipeline, plan)
    guard(pipeline, plan)

    assert standing(pipeline) == [NO5]
    assert alerts(pipeline) == [("CORRUPT_DOCUMENT", NO3, True)]


ERRORS = (ServiceUnavailable("one document"), ValueError("singular"), MemoryError())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_settling__that_fails_each_time__the_others_are_bid_and_it_is_tried_again(
    pipeline: InProcessPipeline, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    plan = pipeline.plan(CASCADE, DAY).plan
    settling_troubled(monkeypatch, error, error)
    foreseen = isinstance(error, ServiceUnavailable)

    # When a cut-off is reached, twice, then the error is raised each time
    for _ in range(2):
        with pytest.raises(type(error)):
            cut_off(pipeline, plan)

    # And all else is bid, and what nobody foresaw is told
    assert standing(pipeline) == [NO3, NO5]
    told = [] if foreseen else [("ITEM_LEFT_OUT", TROUBLED)]
    assert alerts(pipeline) == [(*what, True) for what in told]

    # And once the error has gone, so has what was told
    cut_off(pipeline, plan)
    assert read_run(pipeline.documents, plan.run).areas[NO5].missing == {}
    assert alerts(pipeline) == [(*what, False) for what in told]


def test_settling__that_fails__silence_is_acted_on_in_the_other_area(
    inputs: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    pipeline = published(with_policy(inputs, approval="required", on_silence="submit"))
    plan = pipeline.plan(CASCADE, DAY).plan
    settling_troubled(monkeypatch, *[ValueError("singular")] * 9)

    with pytest.raises(ValueError, match="singular"):
        cut_off(pipeline, plan)

    assert standing(pipeline) == [NO3, NO5]


def test_settling__unforeseen_error_beside_a_retryable_one__is_the_one_that_is_raised(
    pipeline: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    # It is told where it is raised; the other is met again
    plan = pipeline.plan(CASCADE, DAY).plan
    settling_troubled(monkeypatch, ServiceUnavailable("one document"))
    monkeypatch.setattr(submission, "merge_area", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        cut_off(pipeline, plan)


def test_settling__that_kills_each_time__comes_last_and_the_others_are_bid(
    pipeline: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    # Given an asset, the first of three, over which whoever settles it dies
    plan = pipeline.plan(CASCADE, DAY).plan
    assert plan.assets[0].asset == TROUBLED
    settled = settling_troubled(monkeypatch, *[Crash()] * 3)
    with pytest.raises(Crash):
        cut_off(pipeline, plan)
    assert standing(pipeline) == []

    # When the cut-off is told again
    with pytest.raises(Crash):
        cut_off(pipeline, plan)

    # Then all else was bid before it died again, and people are told
    assert [asset for asset, _ in settled] == [TROUBLED, "pumped-pair", "run-of-river", TROUBLED]
    assert standing(pipeline) == [NO3, NO5]
    with pytest.raises(Crash):
        guard(pipeline, plan)
    assert alerts(pipeline) == [("ITEM_LEFT_OUT", TROUBLED, True)]

    # And once it does not kill any more it is in the bid
    guard(pipeline, plan, 4)
    view = read_run(pipeline.documents, plan.run)
    assert view.areas[NO5].missing == {}
    assert view.orders[NO5].stood == view.orders[NO5].wanted
    assert alerts(pipeline) == [("ITEM_LEFT_OUT", TROUBLED, False)]


def test_settling__one_that_kills_and_one_that_was_at_hand_when_another_died__the_latter_has_its_turn(
    pipeline: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    # Given two that were begun and came to no end, of which the first kills each time
    plan = pipeline.plan(CASCADE, DAY).plan
    settling_troubled(monkeypatch, *[Crash()] * 9)
    other = plan.assets[1].asset
    for asset in (TROUBLED, other):
        pipeline.documents.commit(Put(paths.settling(plan.run, asset), {"version": 0}))

    # When the guard has looked in two minutes
    for minutes in (5, 4):
        with suppress(Crash):
            guard(pipeline, plan, minutes)

    # Then the other was settled
    assert paths.asset(plan.run, other) in pipeline.documents._documents


def test_settling__of_a_settled_day__is_noted_once_a_version_and_not_at_all_where_it_is_whole(
    cascade_inputs: ClientInputs,
):
    # Given a day of which one asset is on its fallback and two are whole
    pipeline = published(with_asset_fields(cascade_inputs, method={"name": "price_independent"}))
    plan = pipeline.plan(CASCADE, DAY).plan
    fallback = plan.assets[2].asset
    pipeline.solve(
        plan.model_copy(update={"assets": tuple(a for a in plan.assets if a.asset != fallback)})
    )
    pipeline.deliver()
    cut_off(pipeline, plan)
    assert read_run(pipeline.documents, plan.run).assets[fallback].state is AssetState.FALLBACK
    notes = f"runs/{plan.run}/settling"
    assert list(pipeline.documents.find(notes)) == [fallback]
    guard(pipeline, plan, 5)

    # When the guard looks again
    noted, looked = [], pipeline.documents.commit

    def commit(*writes):
        noted.extend(write.path for write in writes if write.path.startswith(notes))
        looked(*writes)

    pipeline.documents.commit = commit
    guard(pipeline, plan, 4)
    guard(pipeline, plan, 3)

    # Then at most its new version was noted before
    assert noted == []
    assert list(pipeline.documents.find(notes)) == [fallback]
