"""The whole pipeline in one process, as the workflows drive it."""

from datetime import date, timedelta

import pytest
from examples import CASCADE, DAY, MORNING, PRICE_COLUMNS, SINTEF, published, sintef_prices

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidMatrix, total_matrix
from hydrobid.domain.errors import GateClosed, InvalidInput
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.states import AssetState, OrderState, RunState
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import read_run, run_alerts, run_events, trail_faults
from hydrobid.schema import ClientInputs, with_prices


def with_sintef_prices(inputs: ClientInputs, *parts: str) -> ClientInputs:
    (name,) = inputs.scenario_sets
    return with_prices(inputs, name, "other.csv", "".join([PRICE_COLUMNS, *parts]).encode())


def publish(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)


def test_run__one_area_is_submitted_with_every_scenario_behind_it(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)

    (asset,) = view.assets.values()
    (order,) = view.orders.values()
    (standing,) = sintef.exchange.orders.values()
    assert view.state is RunState.SUBMITTED
    assert (asset.state, asset.coverage.solved) == (AssetState.COMPLETE, 52)
    assert order.state is OrderState.STANDING
    assert standing.matrix is not None
    assert standing.matrix.digest() == view.areas["NO2"].matrix


@pytest.mark.parametrize(
    ("day", "mtus"), [(date(2026, 3, 29), 92), (date(2026, 3, 30), 96), (date(2026, 10, 25), 100)]
)
def test_run__on_clock_changes_the_bid_has_the_days_mtus(
    sintef_inputs: ClientInputs, day: date, mtus: int
):
    pipeline = published(sintef_inputs, MORNING + (day - DAY))

    pipeline.run(SINTEF, day)

    matrix = pipeline.exchange.orders[f"nordic-{day}", SINTEF, "NO2"].matrix
    assert matrix is not None
    assert len(matrix.curves) == mtus


def test_run__two_areas_hold_the_sums_of_their_assets(cascade: InProcessPipeline):
    view = cascade.run(CASCADE, DAY)

    assert view.state is RunState.SUBMITTED
    assert len(view.assets) == 3
    assert len(view.areas) == 2
    for area, record in view.areas.items():
        partial = [
            BidMatrix.from_document(get_blob(cascade.documents, asset.matrix))
            for _, asset in sorted(view.assets.items())
            if asset.price_area == area
        ]
        assert record.matrix == total_matrix(partial).digest()


def test_run__again_changes_nothing_and_solves_nothing(sintef: InProcessPipeline):
    first = sintef.run(SINTEF, DAY)
    events = run_events(sintef.documents, first.plan.run)
    sintef.clock.advance(timedelta(minutes=5))

    publish(sintef, ClientInputs(*_current(sintef)))
    again = sintef.run(SINTEF, DAY)

    assert again == first
    assert run_events(sintef.documents, first.plan.run) == events


def _current(pipeline: InProcessPipeline):
    stored = pipeline.documents.get("inputs/current")
    assert stored is not None
    sets = {
        name: get_blob(pipeline.documents, digest)
        for name, digest in stored["scenario_sets"].items()
    }
    return get_blob(pipeline.documents, stored["configuration"]), sets


def test_run__other_prices_make_a_revision_that_amends_the_standing_order(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    first = sintef.run(SINTEF, DAY)
    sintef.clock.advance(timedelta(minutes=5))
    publish(sintef, with_sintef_prices(sintef_inputs, sintef_prices(1.5)))

    second = sintef.run(SINTEF, DAY)

    assert second.plan.run.revision == 2
    assert second.state is RunState.SUBMITTED
    assert read_run(sintef.documents, first.plan.run).state is RunState.SUPERSEDED
    (order,) = sintef.exchange.orders.values()
    before = first.orders["NO2"].standing
    assert before is not None
    assert (order.order_id, order.version) == (before.order_id, 2)
    assert order.matrix is not None
    assert order.matrix.digest() == second.areas["NO2"].matrix != first.areas["NO2"].matrix


def test_run__same_inputs_elsewhere_give_the_same_bid_and_the_same_trail(
    sintef_inputs: ClientInputs,
):
    pipelines = [published(sintef_inputs), published(sintef_inputs)]
    pipelines[1].clock.advance(timedelta(minutes=7))
    views = [pipeline.run(SINTEF, DAY) for pipeline in pipelines]
    trails = [
        {event.id: event.hash for event in run_events(pipeline.documents, view.plan.run)}
        for pipeline, view in zip(pipelines, views, strict=True)
    ]

    assert views[0].areas["NO2"].matrix == views[1].areas["NO2"].matrix
    assert trails[0] == trails[1]


def test_run__every_document_is_explained_by_a_sound_chain(cascade: InProcessPipeline):
    view = cascade.run(CASCADE, DAY)
    events = run_events(cascade.documents, view.plan.run)

    assert trail_faults(cascade.documents, view.plan.run) == []
    heads = {event.entity: event.hash for event in sorted(events, key=lambda e: e.version)}
    stored = cascade.documents.get(f"runs/{view.plan.run}/areas/{CASCADE}~NO3")
    assert stored is not None
    assert heads[f"runs:{view.plan.run}:areas:{CASCADE}~NO3"] == stored["chain"]


def test_plan__default_day_is_the_next_one_whose_gate_is_open(sintef: InProcessPipeline):
    assert sintef.plan(SINTEF).plan.run.day == DAY
    sintef.clock.advance(timedelta(hours=2))
    assert sintef.plan(SINTEF).plan.run.day == DAY + timedelta(days=1)


def test_plan__gate_has_closed(sintef: InProcessPipeline):
    sintef.clock.advance(timedelta(hours=1, minutes=30))

    with pytest.raises(GateClosed) as caught:
        sintef.plan(SINTEF, DAY)

    assert caught.value.details["gate"] == "2026-11-24T11:00:00Z"


def test_plan__a_run_that_is_there_is_found_after_the_gate(sintef: InProcessPipeline):
    first = sintef.run(SINTEF, DAY)
    sintef.clock.advance(timedelta(hours=3))

    again = sintef.plan(SINTEF, DAY)

    assert (again.plan, again.inputs) == (first.plan, "unchanged")


def test_plan__inputs_of_another_client(sintef: InProcessPipeline):
    with pytest.raises(InvalidInput, match="client is 'other-client'"):
        sintef.plan(ClientId("other-client"), DAY)


def test_run__more_scenarios_are_configuration_only(sintef_inputs: ClientInputs):
    """Twice the scenarios, each at half the probability, make twice the tasks' outcomes."""
    doubled = with_sintef_prices(sintef_inputs, sintef_prices(0.9, "a"), sintef_prices(1.1, "b"))

    view = published(doubled).run(SINTEF, DAY)

    (asset,) = view.assets.values()
    assert (asset.coverage.solved, asset.coverage.planned) == (104, 104)
    assert view.state is RunState.SUBMITTED


def test_run__no_alert_where_all_went_well(cascade: InProcessPipeline):
    view = cascade.run(CASCADE, DAY)
    assert run_alerts(cascade.documents, view.plan.run) == []


def test_plan__inputs_that_are_older_than_the_runs_change_nothing(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    """Whoever has read what was current is overtaken by another, of newer inputs."""
    newer = []
    transact = sintef.documents.transact

    def overtaken(work):
        monkeypatch.undo()
        publish(sintef, with_sintef_prices(sintef_inputs, sintef_prices(1.5)))
        newer.append(sintef.plan(SINTEF, DAY))
        return transact(work)

    monkeypatch.setattr(sintef.documents, "transact", overtaken)
    again = sintef.plan(SINTEF, DAY)

    assert (newer[0].inputs, again.inputs) == ("new", "older")
    assert again.plan == newer[0].plan
