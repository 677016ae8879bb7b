"""A run of which some documents cannot be read: the rest is shown, with a line for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from diagnosed_runs import diagnosis_of, put_right, scenario_each
from examples import CASCADE, DAY, published, with_asset_fields
from rich.console import Console

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli.diagnosis_view import diagnosis_view
from hydrobid.cli.render import result_view
from hydrobid.cli.report.facts import gather
from hydrobid.domain.errors import CorruptDocument, NotFound
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.area_records import area_at
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnosis.effect import Standing
from hydrobid.pipeline.open_bids import open_bids
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.read_run import read_run
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs


@pytest.fixture(scope="module")
def whole(cascade_inputs: ClientInputs) -> tuple[InProcessPipeline, Plan]:
    return scenario_each(cascade_inputs)


@pytest.fixture
def bid(whole: tuple[InProcessPipeline, Plan]) -> Iterator[tuple[InProcessPipeline, Plan]]:
    """The same, put right again after the test."""
    with put_right(whole[0]):
        yield whole


def broken(pipeline: InProcessPipeline, path: str, **fields: object) -> str:
    """Change fields of a document and return its path."""
    stored = pipeline.documents.get(path)
    assert stored is not None, path
    pipeline.documents.commit(Put(path, {**stored, **fields}))
    return path


def pages(pipeline: InProcessPipeline, plan: Plan) -> tuple[str, str]:
    """Return what `show` and `diagnose` print."""
    summary = run_summary(pipeline.documents, read_run(pipeline.documents, plan.run))
    views = (result_view(summary), diagnosis_view(diagnosis_of(pipeline, plan.run)))
    console = Console(width=300)
    return tuple(text_of(console, view) for view in views)


def text_of(console: Console, view) -> str:
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def paths_of(plan: Plan) -> dict[str, str]:
    asset = plan.assets[0]
    return {
        "outcome": paths.scenario(plan.run, asset.asset, asset.scenarios[0]),
        "asset": paths.asset(plan.run, asset.asset),
        "area": paths.area(plan.run, plan.portfolio, asset.price_area),
        "order": paths.order(plan.run, plan.portfolio, asset.price_area),
    }


@pytest.mark.parametrize("which", ["outcome", "asset", "area", "order"])
def test_show_and_diagnose__a_record_that_cannot_be_read__the_rest_and_a_line_for_it(bid, which):
    pipeline, plan = bid
    path = broken(pipeline, paths_of(plan)[which], state="NONSENSE")

    for page in pages(pipeline, plan):
        (line,) = [line for line in page.splitlines() if "cannot be read" in line]
        assert path in line
        assert "state (Input should be" in line
        assert all(asset.asset in page for asset in plan.assets)


def test_show_and_diagnose__a_whole_run__say_of_nothing_that_it_cannot_be_read(bid):
    for page in pages(*bid):
        assert "cannot be read" not in page


def test_show_and_diagnose__events_tries_and_alerts_that_cannot_be_read__the_rest(bid):
    pipeline, plan = bid
    documents, told = pipeline.documents, []
    told.append(broken(pipeline, paths.event(next(iter(documents.find(paths.EVENTS)))), at="then"))
    attempts = paths.attempts(plan.run)
    told.append(broken(pipeline, f"{attempts}/{next(iter(documents.find(attempts)))}", number="x"))
    alert = paths.alert("odd")
    documents.commit(Put(alert, {"run": str(plan.run), "severity": "ODD"}))

    shown, diagnosed = pages(pipeline, plan)

    assert alert in shown
    assert all(path in diagnosed for path in (*told, alert))


def test_diagnose__an_assets_bid_that_cannot_be_read__is_no_part_that_was_not_offered(bid):
    pipeline, plan = bid
    whole = diagnosis_of(pipeline, plan.run)
    view = read_run(pipeline.documents, plan.run)
    first, second = (asset.asset for asset in plan.assets_in("NO5"))
    blob = broken(pipeline, paths.blob(view.assets[first].matrix, 0), data=b"x")

    found = diagnosis_of(pipeline, plan.run)

    assert [each.path for each in found.unreadable] == [blob]
    effect, other = (
        asset for area in found.areas for asset in area.assets[:2] if area.price_area == "NO5"
    )
    assert (effect.asset, effect.unreadable, effect.offered) == (first, True, None)
    assert (other.asset, other.unreadable) == (second, False)
    assert other.offered is not None
    assert [area.idle for area in found.areas] == [area.idle for area in whole.areas]
    assert not any(f"What {first} would have sold: none" in line for line in found.unknown)
    assert f"{first}" in pages(pipeline, plan)[1]


def test_diagnose__an_order_that_cannot_be_read__does_not_say_that_nothing_stands(bid):
    pipeline, plan = bid
    path = broken(pipeline, paths_of(plan)["order"], state="NONSENSE")

    found = diagnosis_of(pipeline, plan.run)

    assert found.waits_for == (f"NO5: what it waits for cannot be told without {path}",)
    stands = {area.price_area: area.stands for area in found.areas}
    assert stands == {"NO5": Standing.UNKNOWN, "NO3": Standing.THIS_BID}
    assert "nobody knows what stands at the exchange" in pages(pipeline, plan)[1]


def test_plan__a_run_with_an_outcome_that_cannot_be_read__can_be_run_again(
    cascade_inputs: ClientInputs,
):
    inputs = with_asset_fields(cascade_inputs, method={"name": "price_independent"})
    pipeline = published(inputs)
    plan = pipeline.plan(CASCADE, DAY).plan
    pipeline.solve(plan)
    broken(pipeline, paths_of(plan)["outcome"], state="NONSENSE")

    pipeline.clock.advance(timedelta(minutes=1))
    again = pipeline.plan(CASCADE, DAY)

    assert (again.plan, again.inputs, again.done) == (plan, "unchanged", False)
    assert again.state is RunState.SOLVING  # an outcome that cannot be read is none


@pytest.mark.parametrize("kind", ["area", "order"])
def test_open_bids__of_an_area_that_cannot_be_read__are_those_of_the_others(bid, kind):
    pipeline, plan = bid
    first, *others = plan.price_areas
    broken(pipeline, getattr(paths, kind)(plan.run, plan.portfolio, first), of_a_newer_release=1)

    found = open_bids(pipeline.documents, pipeline.clock)

    assert [one.record.price_area for one in found] == others


def test_report__of_a_run_that_cannot_be_read_whole__is_refused_by_path(bid):
    pipeline, plan = bid
    path = broken(pipeline, paths_of(plan)["outcome"], state="NONSENSE")

    with pytest.raises(CorruptDocument, match=path):
        gather(pipeline.documents, plan.run)


def test_corrupt_document__of_a_plan_or_a_bid__tells_where_it_lies(bid):
    pipeline, plan = bid
    area = broken(pipeline, paths_of(plan)["area"], state="NONSENSE")

    with pytest.raises(CorruptDocument, match=f"{area}, of form {AreaRecord.__name__}: state"):
        area_at(pipeline.documents, plan, plan.assets[0].price_area)
    run = broken(pipeline, paths.run(plan.run), portfolio=7)
    with pytest.raises(CorruptDocument, match="portfolio") as caught:
        plan_of(pipeline.documents, plan.run)
    assert caught.value.details["path"] == run


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"data": b"x", "chunks": 1}, "is broken"),
        ({"data": b"x"}, "is broken"),
        (None, "no content"),
    ],
)
def test_get_blob__of_another_form_or_gone__is_an_error_of_ours(bid, document, error):
    documents, digest = bid[0].documents, "0" * 64
    if document is not None:
        documents.commit(Put(paths.blob(digest, 0), document))
    with pytest.raises((CorruptDocument, NotFound), match=error):
        get_blob(documents, digest)
