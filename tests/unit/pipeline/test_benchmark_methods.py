"""Bid methods on a day that is over: tried once each, on the day's own inputs, at the prices that came."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from examples import CLIENTS, DAY, PRICE_COLUMNS, SINTEF, files_of, published, with_asset_fields

from hydrobid.bidding.backtest import entrant
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli.report import write_run
from hydrobid.domain.benchmark import MethodDay, MethodTask
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.domain.plan import Plan
from hydrobid.pipeline import benchmark_methods
from hydrobid.pipeline.benchmark_methods import benchmark_method, due_benchmarks
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.read_benchmarks import benchmarks_of, method_standings
from hydrobid.pipeline.run_inputs import configuration_in
from hydrobid.schema import ClientInputs, read_client

ASSET = AssetId("shop-standard")
OWN = {"name": "price_shifts", "shifts": [-5, 0, 5]}
LABELS = ("price_independent", "water_value", "price_shifts")


@pytest.fixture
def pipeline(sintef_inputs: ClientInputs, monkeypatch) -> InProcessPipeline:
    monkeypatch.setattr(entrant, "STANDARD", ("price_independent", "water_value"))
    return published(with_asset_fields(sintef_inputs, method=OWN))


def over(pipeline: InProcessPipeline, prices=None) -> Plan:
    """Bid the day, and let it come to prices."""
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"))
    pipeline.clock.advance(plan.cut_offs.gate - pipeline.clock.now() + timedelta(hours=1))
    market = configuration_in(pipeline.documents, plan).market
    auction = pipeline.exchange.auction(market, DAY)
    given = np.linspace(20.0, 80.0, len(market.grid(DAY))).tolist() if prices is None else prices
    pipeline.exchange.publish(auction, PriceArea("NO2"), given)
    pipeline.handle(ResultsDue(client=SINTEF))
    return plan


def tried(pipeline: InProcessPipeline) -> dict[str, MethodDay]:
    due = due_benchmarks(pipeline.documents, pipeline.clock)
    return {task.method: benchmark_method(pipeline.documents, task) for task in due}


def test_due__is_every_method_of_a_day_whose_result_is_final_and_each_once(pipeline):
    assert due_benchmarks(pipeline.documents, pipeline.clock) == ()
    over(pipeline)

    due = due_benchmarks(pipeline.documents, pipeline.clock)
    assert due == tuple(MethodTask(day=DAY, asset=ASSET, method=label) for label in LABELS)

    benchmark_method(pipeline.documents, due[0])
    assert due_benchmarks(pipeline.documents, pipeline.clock) == due[1:]


def test_benchmark__methods_are_measured_on_the_same_day_and_ranked(pipeline):
    plan = over(pipeline)

    found = tried(pipeline)

    assert list(found) == list(LABELS)
    assert [day.own for day in found.values()] == [False, False, True]
    assert {day.run for day in found.values()} == {plan.run}
    # Perfect foresight and no production are of the day, whichever method is measured.
    assert len({(day.perfect, day.no_production) for day in found.values()}) == 1
    assert all(day.failure is None for day in found.values())
    assert all(day.trading_value > 0 for day in found.values())
    assert all(day.regret >= -1e-4 * day.trading_value for day in found.values())
    configuration = configuration_in(pipeline.documents, plan)
    stored = benchmarks_of(pipeline.documents, configuration, [DAY - timedelta(days=1), DAY])
    assert {day.method: day for day in stored} == found
    (ranked,) = method_standings(stored).values()
    shares = [standing.whole.share.estimate for standing in ranked]
    assert shares == sorted(shares)
    assert ranked[0].behind_best.estimate == 0.0
    assert [standing.method for standing in ranked if standing.own] == ["price_shifts"]


def inflow_client(stated: float, scenarios: dict[str, float]) -> ClientInputs:
    """Return the SINTEF example on two scenarios of one price and of inflow to its lower reservoir."""
    quarters = [f"{at // 4:02}:{at % 4 * 15:02}" for at in range(96)]
    prices, inflow = PRICE_COLUMNS, "scenario,inflow,time,value\n"
    for name, value in scenarios.items():
        for at, time in enumerate(quarters):
            prices += f"{name},NO2,{time},{20 + at}\n"
            inflow += f"{name},Reservoir2,{time},{value}\n"
    files = files_of(CLIENTS / SINTEF)
    files["p.csv"], files["inflow.csv"] = prices.encode(), inflow.encode()
    files["client.yaml"] = files["client.yaml"].replace(
        b"scenarios/prices.csv", b"p.csv, inflows: inflow.csv"
    )
    inputs = with_asset_fields(read_client(files, SINTEF), method=OWN)
    for asset in inputs.configuration["configuration"]["assets"]:
        for reservoir in asset["watercourse"]["reservoirs"]:
            if reservoir["name"] == "Reservoir2":
                reservoir["inflow"] = stated
    return inputs


def test_benchmark__scenarios_of_inflow__make_the_bid_and_their_mean_is_what_is_delivered(
    pipeline, monkeypatch
):
    # Given a client that expects 60 m3/s, whatever its watercourse states
    bids = {}

    def watched(market, day, asset, scenarios):
        bids[asset.method.name] = original(market, day, asset, scenarios)
        return bids[asset.method.name]

    original = benchmark_methods.bid_for
    monkeypatch.setattr(benchmark_methods, "bid_for", watched)
    one = published(inflow_client(60.0, {"wet": 120.0, "dry": 0.0}))
    other = published(inflow_client(0.0, {"wet": 100.0, "dry": 20.0}))

    # When the day has been bid, its result is there and its methods are tried
    view = other.run(SINTEF, DAY)
    found = []
    for each in (one, other):
        over(each)
        found.append(tried(each))

    # Then the asset's own method bids what it bid on the day, on the water that was expected
    stood = BidMatrix.from_document(get_blob(other.documents, view.assets[ASSET].matrix))
    assert bids["price_shifts"] == stood
    first, second = (days["price_shifts"] for days in found)
    assert (first.perfect, first.no_production) == (second.perfect, second.no_production)
    dry = published(with_asset_fields(inflow_client(60.0, {"wet": 0.0, "dry": 0.0}), method=OWN))
    over(dry)
    assert tried(dry)["price_shifts"].perfect < first.perfect - 100


def test_benchmark__again__is_what_was_found_first(pipeline, monkeypatch):
    over(pipeline)
    task = due_benchmarks(pipeline.documents, pipeline.clock)[0]
    first = benchmark_method(pipeline.documents, task)
    monkeypatch.setattr(benchmark_methods, "bid_for", lambda *_: pytest.fail("solved again"))

    assert benchmark_method(pipeline.documents, task) == first


def test_benchmark__two_at_once__keep_the_one_that_was_written(pipeline, monkeypatch):
    over(pipeline)
    task = due_benchmarks(pipeline.documents, pipeline.clock)[0]
    original = benchmark_methods._tried

    def overtaken(*given) -> MethodDay:
        monkeypatch.setattr(benchmark_methods, "_tried", original)
        other = benchmark_method(pipeline.documents, task)
        return other.model_copy(update={"value": other.value + 1})

    monkeypatch.setattr(benchmark_methods, "_tried", overtaken)
    kept = benchmark_method(pipeline.documents, task)

    (stored,) = pipeline.documents.find("benchmarks").values()
    assert MethodDay.from_document(stored) == kept


def test_benchmark__method_without_a_bid__says_so_and_is_left_out(pipeline, monkeypatch):
    plan = over(pipeline)

    def fails(market, day, asset, scenarios):
        if asset.method.name == "water_value":
            raise benchmark_methods.NoSchedule("no feasible schedule")
        return original(market, day, asset, scenarios)

    original = benchmark_methods.bid_for
    monkeypatch.setattr(benchmark_methods, "bid_for", fails)
    found = tried(pipeline)

    assert found["water_value"].failure == "NO_SCHEDULE: no feasible schedule"
    assert due_benchmarks(pipeline.documents, pipeline.clock) == ()
    (ranked,) = method_standings(list(found.values())).values()
    assert "water_value" not in {standing.method for standing in ranked}
    del plan


def test_benchmark__of_a_day_without_result_or_an_unknown_method__is_not_found(pipeline):
    unknown = MethodTask(day=DAY, asset=ASSET, method="water_value")
    with pytest.raises(NotFound, match="no final result"):
        benchmark_method(pipeline.documents, unknown)
    over(pipeline)
    with pytest.raises(NotFound, match="no method clairvoyance"):
        benchmark_method(pipeline.documents, unknown.model_copy(update={"method": "clairvoyance"}))


def test_report__shows_which_method_earns_most(pipeline, tmp_path):
    plan = over(pipeline)
    tried(pipeline)

    write_run(tmp_path, SINTEF, pipeline.documents, plan.run, [])

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Which method earns most" in page
    assert page.count("bid by it") == 1
