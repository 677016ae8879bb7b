"""From when a run's water is known, and what is sold until its delivery day begins."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from examples import (
    CASCADE,
    DAY,
    MORNING,
    SINTEF,
    published,
    with_asset_fields,
    with_horizon,
)

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.bidding.clearing import cleared
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import AssetId, ClientId, Identifier, MarketId, RunId
from hydrobid.domain.position import Position
from hydrobid.domain.results import AuctionResult, PublishedResult
from hydrobid.domain.states import AssetState, RunState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import read_run, run_events
from hydrobid.pipeline.replay_scenario import replay_scenario
from hydrobid.pipeline.run_inputs import (
    AssetSolves,
    asset_inputs,
    configuration_in,
    position_in,
)
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs

FIRST = RunId(MarketId("nordic"), DAY, 1)
NEXT = DAY + timedelta(days=1)
MTU = timedelta(minutes=15)
UNTIL_MIDNIGHT = 54  # quarters from half past ten
NO_BID = f"{DAY - timedelta(days=1)} has no result, and no bid of ours stood"


def with_watercourse(inputs: ClientInputs, **fields: object) -> ClientInputs:
    """Return the inputs with fields of the first asset's watercourse replaced."""
    configuration = copy.deepcopy(inputs.configuration)
    configuration["configuration"]["assets"][0]["watercourse"].update(fields)
    return ClientInputs(configuration, inputs.scenario_sets)


def obliged(inputs: ClientInputs, *steps: tuple[datetime, float | None]) -> ClientInputs:
    times, values = zip(*((at.isoformat(), value) for at, value in steps), strict=True)
    obligation = {"times": times, "values": values}
    return with_watercourse(inputs, conditions={"trade": {"obligation": obligation}})


@pytest.fixture(scope="module")
def one_solve(sintef_inputs: ClientInputs) -> ClientInputs:
    """The SINTEF example with a horizon and one solve a day."""
    return with_horizon(with_asset_fields(sintef_inputs, method={"name": "price_independent"}))


@pytest.fixture(scope="module")
def few_solves(cascade_inputs: ClientInputs) -> ClientInputs:
    """The cascade example, which has a horizon, with two solves an asset."""
    method = {"name": "price_shifts", "shifts": 2}
    return with_asset_fields(cascade_inputs, method=method)


def publish(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)


def position(pipeline: InProcessPipeline, plan) -> Position:
    found = position_in(pipeline.documents, plan)
    assert found is not None
    return found


def the_next_day(inputs: ClientInputs, client: ClientId) -> InProcessPipeline:
    """Return a pipeline that has bid a day, on the next morning, with levels pushed anew."""
    pipeline = published(inputs)
    assert pipeline.run(client, DAY).state is RunState.SUBMITTED
    pipeline.clock.advance(timedelta(days=1))
    again = copy.deepcopy(inputs.configuration)
    again["description"] = "levels of the next morning"
    publish(pipeline, ClientInputs(again, inputs.scenario_sets))
    return pipeline


def add_result(
    pipeline: InProcessPipeline, client: ClientId, area: str, price: float, further: float = 0.0
) -> None:
    """Store the result of DAY's first run: one price, what its bid sells at it, `further` MW more."""
    view = read_run(pipeline.documents, FIRST)
    market = configuration_in(pipeline.documents, view.plan).market
    grid, digest = market.grid(DAY), view.areas[area].matrix
    bid = BidMatrix.from_document(get_blob(pipeline.documents, digest))
    sold = cleared(bid, np.full(len(grid), price), market) + further
    came = PublishedResult(
        auction="any",
        portfolio=client,
        price_area=area,
        currency="EUR",
        status="final",
        mtu_start=grid.start,
        mtu_minutes=grid.minutes,
        prices=(price,) * len(grid),
        volumes=tuple(sold.tolist()),
    )
    known = pipeline.clock.now()
    result = AuctionResult.of(market.id, DAY, known, came, run=FIRST, matrix=digest)
    path = paths.result(market.id, DAY, result.published.portfolio, result.published.price_area)
    pipeline.documents.commit(Put(path, result.to_document()))


def schedule_of(pipeline: InProcessPipeline, view) -> dict:
    (outcome,) = next(iter(view.outcomes.values())).values()
    return get_blob(pipeline.documents, outcome.schedule)


def test_run__what_the_watercourse_states_is_produced_until_the_day_begins(one_solve):
    midnight = datetime.fromisoformat("2026-11-25T00:00+01:00")
    stated = obliged(one_solve, (MORNING, 210.0), (MORNING + 4 * MTU, 150.0), (midnight, None))
    pipeline = published(stated)

    view = pipeline.run(SINTEF, DAY)

    (outcome,) = view.outcomes[Identifier("shop-standard")].values()
    net = schedule_of(pipeline, view)["net_power"]
    assert net[:UNTIL_MIDNIGHT] == pytest.approx([210.0] * 4 + [150.0] * 50, abs=1e-3)
    assert outcome.volumes == pytest.approx(net[UNTIL_MIDNIGHT:], abs=1e-6)
    assert len(outcome.volumes) == 96
    assert outcome.violations == ()
    (sold,) = position(pipeline, view.plan).assets.values()
    assert (sold.since, sold.sources) == (MORNING, ("stated by the watercourse",))


def test_run__what_is_sold_today_is_missing_tomorrow(one_solve):
    """Plant1's reservoir is small: the water of today's sales is not there for the day."""
    midnight = datetime.fromisoformat("2026-11-25T00:00+01:00")
    low = with_watercourse(one_solve)
    for reservoir in low.configuration["configuration"]["assets"][0]["watercourse"]["reservoirs"]:
        reservoir.update(start_volume=reservoir["volume_min"] + 2.0, inflow=0.0)
    sold = []
    for power in (0.0, 100.0):
        pipeline = published(obliged(low, (MORNING, power), (midnight, None)))
        (outcome,) = pipeline.run(SINTEF, DAY).outcomes[Identifier("shop-standard")].values()
        sold.append(sum(outcome.volumes))

    assert sold[1] < sold[0] - 0.9 * 100.0 * UNTIL_MIDNIGHT


def test_run__a_bid_without_a_solver_knows_what_is_sold_today(sintef_inputs):
    """What is sold today is not offered once more by a bid from water values."""
    inputs = with_horizon(with_asset_fields(sintef_inputs, method={"name": "water_value"}))
    for reservoir in inputs.configuration["configuration"]["assets"][0]["watercourse"][
        "reservoirs"
    ]:
        reservoir.update(start_volume=reservoir["volume_min"] + 2.0, inflow=0.0)
    midnight = datetime.fromisoformat("2026-11-25T00:00+01:00")
    most = []
    for power in (0.0, 100.0):
        pipeline = published(obliged(inputs, (MORNING, power), (midnight, None)))
        view = pipeline.run(SINTEF, DAY)
        matrix = BidMatrix.from_document(get_blob(pipeline.documents, view.areas["NO2"].matrix))
        most.append(matrix.volume(matrix.curves[0].lots[-1]))

    # What the upper plant uses comes to the lower one, and is offered there.
    sold = 100.0 * UNTIL_MIDNIGHT / 96
    assert 0.5 * sold < most[0] - most[1] < sold


def test_asset_inputs__solver_and_aggregator_ask_a_method_of_the_same_asset(one_solve):
    midnight = datetime.fromisoformat("2026-11-25T00:00+01:00")
    pipeline = published(obliged(one_solve, (MORNING, 400.0), (midnight, None)))
    plan = pipeline.plan(SINTEF, DAY).plan

    solves = AssetSolves.read(pipeline.documents, plan, plan.assets[0])

    _, own, _ = asset_inputs(pipeline.documents, plan, plan.assets[0])
    stated = configuration_in(pipeline.documents, plan).asset(own.asset).watercourse
    assert solves.own == own
    assert own.watercourse != stated
    assert solves.problem.watercourse == stated


def test_run__nothing_known_of_today_is_said_and_the_levels_are_those_of_the_day(
    one_solve, sintef_inputs
):
    pipeline = published(one_solve)
    alone = published(with_asset_fields(sintef_inputs, method={"name": "price_independent"}))

    view, other = pipeline.run(SINTEF, DAY), alone.run(SINTEF, DAY)

    words = f"not known before 2026-11-24T23:00:00Z: {NO_BID}"
    (planned,) = (
        e for e in run_events(pipeline.documents, view.plan.run) if e.type == "run-planned"
    )
    assert planned.data["sold_before"] == {"shop-standard": words}
    assert run_summary(pipeline.documents, view)["assets"]["shop-standard"]["sold_before"] == words
    told = diagnose_run(pipeline.documents, pipeline.clock, view.plan.run).unknown
    assert any(line.startswith("What shop-standard sold before 2026-11-24T23:00") for line in told)
    (warning,) = view.areas["NO2"].findings
    assert (warning.code, warning.severity, warning.value) == ("SOLD_UNKNOWN", "warning", NO_BID)
    assert view.areas["NO2"].matrix == other.areas["NO2"].matrix


def test_run__yesterdays_bid_at_expected_prices_where_there_is_no_result(one_solve):
    pipeline = the_next_day(one_solve, SINTEF)
    before = read_run(pipeline.documents, FIRST)

    view = pipeline.run(SINTEF, NEXT)

    (sold,) = position(pipeline, view.plan).assets.values()
    (yesterday,) = before.outcomes[Identifier("shop-standard")].values()
    assert sold.sources == (f"{before.plan.run} at expected prices",)
    assert sold.unknown is None
    assert sold.volumes == pytest.approx(yesterday.volumes[-UNTIL_MIDNIGHT:], abs=0.05 + 1e-6)


def test_run__the_only_asset_of_an_area_has_sold_what_the_result_says(one_solve):
    pipeline = the_next_day(one_solve, SINTEF)
    add_result(pipeline, SINTEF, "NO2", 50.0, further=-3.0)

    view = pipeline.run(SINTEF, NEXT)

    assert view.areas["NO2"].findings == ()
    (sold,) = position(pipeline, view.plan).assets.values()
    stored = pipeline.documents.get(paths.result(FIRST.market, DAY, SINTEF, "NO2"))
    assert sold.volumes == pytest.approx(stored["published"]["volumes"][-UNTIL_MIDNIGHT:])
    assert sold.sources == (f"{FIRST} as cleared, with its share of what else was sold",)
    net = schedule_of(pipeline, view)["net_power"]
    # There is no pump to take what was bought in some hours.
    assert net[:UNTIL_MIDNIGHT] == pytest.approx(np.maximum(sold.volumes, 0.0), abs=1e-3)


def test_run__of_several_assets_each_has_sold_its_own_curve_at_the_price(few_solves):
    pipeline = the_next_day(few_solves, CASCADE)
    add_result(pipeline, CASCADE, "NO5", 43.0)

    view = pipeline.run(CASCADE, NEXT)

    found = position(pipeline, view.plan).assets
    yesterday = read_run(pipeline.documents, FIRST)
    market = configuration_in(pipeline.documents, view.plan).market
    for asset in ("five-lakes", "pumped-pair"):
        matrix = get_blob(pipeline.documents, yesterday.assets[asset].matrix)
        expected = cleared(BidMatrix.from_document(matrix), np.full(96, 43.0), market)
        assert found[asset].volumes == pytest.approx(expected[-UNTIL_MIDNIGHT:].tolist())
        assert found[asset].sources == (f"{FIRST} as cleared",)
    assert found["run-of-river"].sources == (f"{FIRST} at expected prices",)
    assert view.state is RunState.SUBMITTED


def test_run__what_else_the_portfolio_sold_is_shared_by_power(few_solves):
    """As blocks, or what a person has added to the area's bid."""
    plain, more = (the_next_day(few_solves, CASCADE) for _ in range(2))
    add_result(plain, CASCADE, "NO5", 43.0)
    add_result(more, CASCADE, "NO5", 43.0, further=80.0)

    own, shared = (
        position(pipeline, pipeline.plan(CASCADE, NEXT).plan).assets for pipeline in (plain, more)
    )

    added = {
        asset: np.array(shared[asset].volumes) - own[asset].volumes
        for asset in ("five-lakes", "pumped-pair")
    }
    assert sum(added.values()) == pytest.approx(np.full(UNTIL_MIDNIGHT, 80.0), abs=0.2)
    assert np.ptp(added["five-lakes"]) < 0.2
    assert shared["five-lakes"].sources[0].endswith("with its share of what else was sold")


def test_run__what_stood_counts_and_not_what_an_asset_was_lifted_to_later(few_solves):
    pipeline = the_next_day(few_solves, CASCADE)
    add_result(pipeline, CASCADE, "NO5", 43.0)
    before = position(pipeline, pipeline.plan(CASCADE, NEXT).plan)
    path = paths.asset(FIRST, AssetId("five-lakes"))
    lifted = {**pipeline.documents.get(path), "version": 2, "matrix": None}
    pipeline.documents.commit(Put(path, lifted))

    after = position(pipeline, pipeline.plan(CASCADE, NEXT).plan)

    assert after == before


def test_run__a_result_of_a_bid_that_is_not_ours_says_nothing_of_several_assets(few_solves):
    pipeline = the_next_day(few_solves, CASCADE)
    for area in ("NO3", "NO5"):
        add_result(pipeline, CASCADE, area, 43.0)
        path = paths.result(FIRST.market, DAY, CASCADE, area)
        stored = pipeline.documents.get(path)
        pipeline.documents.commit(Put(path, {**stored, "run": None, "matrix": None}))

    found = position(pipeline, pipeline.plan(CASCADE, NEXT).plan).assets

    assert found["five-lakes"].unknown == f"{DAY}: what stood in NO5 was no bid of ours"
    assert found["run-of-river"].sources == (f"result of {DAY}",)  # the area's only asset


def test_run__a_result_that_cannot_be_read_keeps_no_day_from_being_bid(few_solves):
    pipeline = the_next_day(few_solves, CASCADE)
    add_result(pipeline, CASCADE, "NO5", 43.0)
    path = paths.result(FIRST.market, DAY, CASCADE, "NO5")
    stored = pipeline.documents.get(path)
    short = {name: stored["published"][name][:-4] for name in ("prices", "volumes")}
    broken = {**stored, "published": {**stored["published"], **short}}
    pipeline.documents.commit(Put(path, broken))
    add_result(pipeline, CASCADE, "NO3", 43.0)
    pipeline.documents.commit(Put(paths.result(FIRST.market, DAY, CASCADE, "NO3"), {"x": 1}))

    view = pipeline.run(CASCADE, NEXT)

    found = position(pipeline, view.plan).assets
    assert found["five-lakes"].unknown == f"{DAY}: 92 prices for the 96 curves of {FIRST}"
    assert found["run-of-river"].unknown.startswith(f"{DAY}: AuctionResult: ")
    assert view.state is RunState.SUBMITTED


def test_run__levels_of_the_day_before_go_on_from_where_sales_are_known(one_solve):
    """Inputs that nobody pushed anew: their levels hold since yesterday morning."""
    pipeline = published(one_solve)
    pipeline.run(SINTEF, DAY)
    pipeline.clock.advance(timedelta(days=1))

    (sold,) = position(pipeline, pipeline.plan(SINTEF, NEXT).plan).assets.values()

    assert utc_text(sold.since) == "2026-11-24T23:00:00Z"
    assert (len(sold.volumes), sold.unknown) == (96, NO_BID)


def test_run__levels_that_are_days_old_are_taken_for_those_of_the_day(one_solve):
    pipeline = published(one_solve)
    pipeline.clock.advance(timedelta(days=2))

    (sold,) = position(
        pipeline, pipeline.plan(SINTEF, DAY + timedelta(days=2)).plan
    ).assets.values()

    assert sold.volumes == ()
    assert sold.unknown == "the levels are those of 2026-11-24T09:30:00Z, long before the day"


def test_run__the_same_inputs_are_the_same_run_and_a_result_is_another_input(one_solve):
    pipeline = the_next_day(one_solve, SINTEF)
    first = pipeline.run(SINTEF, NEXT)
    pipeline.clock.advance(timedelta(minutes=5))

    again = pipeline.plan(SINTEF, NEXT)
    add_result(pipeline, SINTEF, "NO2", 50.0)
    known = pipeline.clock.now()
    pipeline.clock.advance(timedelta(minutes=5))
    second = pipeline.plan(SINTEF, NEXT)

    assert (again.plan, again.inputs) == (first.plan, "unchanged")
    assert (second.plan.run.revision, second.inputs, second.plan.as_of) == (2, "new", known)


class WithoutResults:
    """Documents as they were read before there were results."""

    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents

    def get(self, path: str):
        return None if path.startswith("results/") else self._documents.get(path)

    def __getattr__(self, name: str):
        return getattr(self._documents, name)


def test_plan__a_slow_dispatcher_that_saw_no_result_does_not_undo_it(one_solve):
    """It read what is sold before the result came, and plans after someone who saw it."""
    pipeline = the_next_day(one_solve, SINTEF)
    pipeline.clock.advance(timedelta(minutes=1))
    add_result(pipeline, SINTEF, "NO2", 50.0)
    seen = pipeline.plan(SINTEF, NEXT).plan

    request = PlanRequest(client=SINTEF, day=NEXT)
    late = plan_run(WithoutResults(pipeline.documents), pipeline.clock, request)

    assert (late.plan, late.inputs) == (seen, "older")


def test_replay__finds_the_same_over_a_horizon_with_inflow(few_solves):
    pipeline = the_next_day(few_solves, CASCADE)
    view = pipeline.run(CASCADE, NEXT)

    for asset in view.plan.assets:
        scenario = asset.scenarios[0]
        replay = replay_scenario(
            pipeline.documents,
            pipeline.clock,
            pipeline.solvers,
            view.plan.run,
            asset.asset,
            scenario,
        )
        assert replay.equal, replay.differences


def test_run__elsewhere_the_same_inputs_give_the_same_bids_and_trail(few_solves):
    pipelines = [the_next_day(few_solves, CASCADE) for _ in range(2)]
    pipelines[1].clock.advance(timedelta(minutes=7))

    views = [pipeline.run(CASCADE, NEXT) for pipeline in pipelines]

    trails = [
        {event.id: event.hash for event in run_events(pipeline.documents, view.plan.run)}
        for pipeline, view in zip(pipelines, views, strict=True)
    ]
    assert views[0].plan.inputs == views[1].plan.inputs
    assert trails[0] == trails[1]


def test_run__each_scenario_is_solved_with_its_own_inflow(cascade_inputs):
    river = Identifier("run-of-river")
    dry = {
        name: {key: part for key, part in document.items() if key != "inflows"}
        for name, document in cascade_inputs.scenario_sets.items()
    }
    runs = []
    for inputs in (cascade_inputs, ClientInputs(cascade_inputs.configuration, dry)):
        pipeline = published(inputs)
        plan = pipeline.plan(CASCADE, DAY).plan
        assets = tuple(asset for asset in plan.assets if asset.asset == river)
        pipeline.solve(plan.model_copy(update={"assets": assets}))
        runs.append((pipeline, read_run(pipeline.documents, plan.run)))

    (wet, view), (_, without) = runs
    solves = AssetSolves.read(wet.documents, view.plan, view.plan.asset(river))
    scenarios = solves.of(view.plan.asset(river).scenarios)
    came = [scenario.inflow["Pond1"].mean() for scenario in scenarios.values()]
    sold = [sum(view.outcomes[river][name].volumes) for name in scenarios]
    constant = [sum(without.outcomes[river][name].volumes) for name in scenarios]
    assert max(came) > 1.5 * min(came)
    assert np.corrcoef(came, sold)[0, 1] > 0.95
    assert np.corrcoef(came, constant)[0, 1] < 0.5


@pytest.mark.parametrize(
    "method",
    [
        {"name": "multi_scenario", "chunk": 20},
        {"name": "price_independent"},
        {"name": "water_value"},
        {"name": "stochastic", "scenarios": 4},
    ],
    ids=lambda method: method["name"],
)
def test_run__every_method_bids_the_day_alone(sintef_inputs, method):
    after = ({"hours": 6, "step": 1}, {"hours": 8, "step": 4})
    inputs = with_horizon(with_asset_fields(sintef_inputs, method=method), after)
    pipeline = the_next_day(inputs, SINTEF)

    view = pipeline.run(SINTEF, NEXT)

    assert view.state is RunState.SUBMITTED
    assert view.assets["shop-standard"].state is AssetState.COMPLETE
    matrix = BidMatrix.from_document(get_blob(pipeline.documents, view.areas["NO2"].matrix))
    assert len(matrix.curves) == 96


@pytest.mark.parametrize(
    ("day", "mtus"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)], ids=str
)
def test_run__on_clock_changes(one_solve, day, mtus):
    morning = datetime(day.year, day.month, day.day, 9, tzinfo=MORNING.tzinfo) - timedelta(days=1)
    stated = obliged(one_solve, (morning, 100.0), (morning + timedelta(days=1), None))
    pipeline = published(stated, morning)

    view = pipeline.run(SINTEF, day)

    (outcome,) = view.outcomes[Identifier("shop-standard")].values()
    assert len(outcome.volumes) == mtus
    net = schedule_of(pipeline, view)["net_power"]
    assert len(net) > mtus
    assert net[: len(net) - mtus] == pytest.approx([100.0] * (len(net) - mtus), abs=1e-3)
