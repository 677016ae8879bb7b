"""The bid methods compared on days whose results are final, each on the water and scenarios of the day.

What the day's newest run was made from is what every method is given; what the auction came to is what
every bid is read at. A method's day is evaluated as a backtest evaluates one: by itself, without what
comes before and after it. Nothing tells what inflow came to: what the scenarios expected is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from hydrobid.bidding.backtest.delivery import Day, NoSchedule
from hydrobid.bidding.backtest.entrant import contenders
from hydrobid.bidding.backtest.rolling import bid_for, evaluated
from hydrobid.bidding.backtest.water import starts, with_water_after
from hydrobid.bidding.methods import price_independent
from hydrobid.domain.base import Value
from hydrobid.domain.benchmark import MethodDay, MethodTask
from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, WATER_DECIMALS, rounded
from hydrobid.domain.configuration import COMMITMENT_SOLVER, AssetConfiguration, ClientConfiguration
from hydrobid.domain.errors import DocumentExists, InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId, Identifier
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.market import Market
from hydrobid.domain.methods import JointCurves
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.problem import Series
from hydrobid.hydro.scenario import Scenario
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.closed_days import closed_days
from hydrobid.pipeline.ports import Clock, Create, Documents
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.read_run import newest_run
from hydrobid.pipeline.run_inputs import asset_at_day, configuration_in, plan_of
from hydrobid.schema import configuration_of


class BenchmarkRequest(Value):
    """A method to be tried on a day; None asks which there are."""

    client: ClientId
    benchmark: MethodTask | None


def due_benchmarks(documents: Documents, clock: Clock) -> tuple[MethodTask, ...]:
    """Return what is to be tried on the days whose results are final, oldest first.

    Raises:
        NotFound: the client has no inputs.
    """
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    due: list[MethodTask] = []
    for day in closed_days(configuration, clock.now()):
        plan = _plan(documents, configuration, day)
        if plan is None:
            continue
        planned = configuration_in(documents, plan)
        tasks = [
            MethodTask(day=day, asset=asset.asset, method=label)
            for asset in plan.assets
            if _result(documents, plan, asset) is not None
            for label in contenders(planned.market, planned.asset(asset.asset))
        ]
        known = documents.get_many([paths.benchmark(plan.run.market, task) for task in tasks])
        due += [task for task, stored in zip(tasks, known, strict=True) if stored is None]
    return tuple(due)


def benchmark_method(documents: Documents, task: MethodTask) -> MethodDay:
    """Return what a method's bid came to, found now or before.

    Safe to repeat: what was found first stays. A method that has no bid for the day has failed, and
    says why. Raises:
        NotFound: no such run, asset, result or method.
    """
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    path = paths.benchmark(configuration.market.id, task)
    stored = documents.get(path)
    if stored is not None:
        return MethodDay.from_document(stored)
    found = _tried(documents, configuration, task)
    try:
        documents.commit(Create(path, found.to_document()))
    except DocumentExists:
        return MethodDay.from_document(documents.get(path))
    return found


def _tried(documents: Documents, current: ClientConfiguration, task: MethodTask) -> MethodDay:
    plan = _plan(documents, current, task.day)
    asset = None if plan is None else plan.asset(task.asset)
    result = None if plan is None or asset is None else _result(documents, plan, asset)
    if plan is None or asset is None or result is None:
        raise NotFound(f"{task.asset} has no final result of {task.day}", **task.to_document())
    configuration = configuration_in(documents, plan)
    market = configuration.market
    own = asset_at_day(documents, plan, configuration, task.asset)
    method = contenders(market, own).get(task.method)
    if method is None:
        raise NotFound(f"no method {task.method}", **task.to_document())
    named = MethodDay(
        market=market.id,
        day=task.day,
        asset=task.asset,
        price_area=asset.price_area,
        method=task.method,
        own=method == own.method,
        run=plan.run,
        currency=market.currency,
    )
    stored = get_blob(documents, plan.inputs.scenario_sets[asset.scenario_set])
    contender = own.model_copy(update={"method": method})
    try:
        scenarios = ScenarioSet.from_document(stored)
        return _evaluated(named, market, contender, scenarios, result, _imbalance(own))
    except (NoSchedule, InvalidInput) as error:
        return named.model_copy(update={"failure": f"{error.code}: {error.message}"[:500]})


def _evaluated(
    named: MethodDay,
    market: Market,
    contender: AssetConfiguration,
    scenarios: ScenarioSet,
    result: AuctionResult,
    imbalance: ImbalancePrices,
) -> MethodDay:
    grid = market.grid(named.day)
    committed = contender.solver == COMMITMENT_SOLVER
    day = Day(contender.watercourse, grid, committed)
    bid = bid_for(market, day, contender, scenarios)
    spot = np.array(result.published.prices)
    came = replace(day, inflow=_expected_inflow(day, contender, scenarios))
    done, schedule = evaluated(market, named.day, came, bid, spot, imbalance)
    _, spilled = with_water_after(contender.watercourse, grid, schedule)
    money = {
        name: rounded(getattr(done, name), MONEY_DECIMALS)
        for name in ("value", "perfect", "no_production", "water_before")
    }
    energy = {
        name: rounded(getattr(done, name), POWER_DECIMALS)
        for name in ("sold", "shortage", "surplus")
    }
    return named.model_copy(
        update={
            **money,
            **energy,
            "starts": starts(schedule, frozenset()),
            "spill": rounded(spilled, WATER_DECIMALS),
        }
    )


def _expected_inflow(
    day: Day, asset: AssetConfiguration, scenarios: ScenarioSet
) -> Mapping[Identifier, Series]:
    """Return the (T,) m3/s of reservoirs that have scenarios of inflow, as expected on the day."""
    expected = price_independent.scenarios(asset, scenarios.of_the_day())
    (only,) = expected.ids
    return Scenario.out_of(expected, asset.price_area, only, day.problem).inflow


def _imbalance(own: AssetConfiguration) -> ImbalancePrices:
    """Return what every method of an asset is measured at: as its own has it, if it has any."""
    return own.method.imbalance if isinstance(own.method, JointCurves) else ImbalancePrices()


def _plan(documents: Documents, configuration: ClientConfiguration, day: date) -> Plan | None:
    """Return the plan of a day's newest run, None where it has none."""
    newest = newest_run(documents, configuration.market.id, day)
    return None if newest is None else plan_of(documents, newest)


def _result(documents: Documents, plan: Plan, asset: AssetPlan) -> AuctionResult | None:
    """Return an asset's result if it is final and of the day's own MTUs."""
    run = plan.run
    result = result_of(documents, run.market, run.day, plan.portfolio, asset.price_area)
    return result if result is not None and result.published.status == "final" else None
