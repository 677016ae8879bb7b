"""One method over many days: each day starts with the water that its own bids have left.

A day is bid on what was known when it was bid, cleared at the prices that came, and delivered as well
as the water allows. The days of one method follow each other; other methods know nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.backtest.archive import Archive
from hydrobid.bidding.backtest.delivery import (
    BIDDING,
    Day,
    NoSchedule,
    deliver,
    perfect_foresight,
    schedules_of,
    worth_idle,
)
from hydrobid.bidding.backtest.entrant import Entrant
from hydrobid.bidding.backtest.outlook import outlook
from hydrobid.bidding.backtest.settings import BacktestSettings
from hydrobid.bidding.backtest.water import running_plants, starts, with_water_after
from hydrobid.bidding.block_clearing import accepted_blocks
from hydrobid.bidding.clearing import sold_at
from hydrobid.bidding.method import JointMethod
from hydrobid.bidding.methods import joint_method_of, method_of
from hydrobid.domain.benchmark import DayWorth
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.market import Market
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.joint import solved_jointly
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure


@dataclass(frozen=True, eq=False)
class BacktestDay(DayWorth):
    """One day of one method, in the market's currency, MWh and Mm3.

    value: of the day as it was sold and delivered, water left included. perfect, no_production: the
    same from the same water, had the prices been known, and had no power been traded. water_before:
    the worth of the water that the day began with. shortage, surplus: energy settled as imbalance.
    accepted: the names of the blocks that were.
    """

    day: date
    bid: BidMatrix
    value: float
    water_before: float
    perfect: float
    no_production: float
    sold: float
    shortage: float
    surplus: float
    starts: int
    spill: float
    end_volumes: Mapping[Identifier, float]
    accepted: frozenset[Identifier] = frozenset()


def backtest_days(
    archive: Archive, asset: AssetConfiguration, entrant: Entrant, settings: BacktestSettings
) -> Iterator[BacktestDay]:
    """Yield the days of a method in order, each as soon as it is done.

    Raises:
        InvalidInput: a day has no price, or no forecast or too few past errors when it is bid.
        NoSchedule: a day has no feasible schedule.
    """
    asset = asset.model_copy(update={"method": entrant.method})
    watercourse, running, on = asset.watercourse, frozenset[Identifier](), dict[Identifier, bool]()
    for date_ in settings.days():
        grid = archive.market.grid(date_)
        day = Day(watercourse, grid, settings.commitment, on)
        asset = asset.model_copy(update={"watercourse": watercourse})
        done, schedule = _day(archive, asset, entrant, settings, date_, day)
        watercourse, spilled = with_water_after(watercourse, grid, schedule)
        yield replace(done, starts=starts(schedule, running), spill=spilled)
        running = running_plants(schedule)
        on = {name: bool(flags[-1]) for name, flags in schedule.unit_on.items()}


def bid_for(
    market: Market, day: Day, asset: AssetConfiguration, scenarios: ScenarioSet
) -> BidMatrix:
    """Return the bid that an asset's method makes of a day by itself when all its tasks are solved.

    Of the scenarios, prices and inflow on the delivery day count. Raises:
        NoSchedule: a scenario, or all together, have no feasible schedule.
    """
    method, joint = method_of(asset), joint_method_of(asset)
    derived = method.scenarios(asset, scenarios.of_the_day())
    if joint is not None:
        return _joint_bid(market, day, asset, derived, joint)
    ids = [scenario for task in method.tasks(asset, derived) for scenario in task.scenarios]
    problem, area = day.problem, asset.price_area
    given = {scenario: Scenario.out_of(derived, area, scenario, problem) for scenario in ids}
    solved = schedules_of(day, given, BIDDING) if given else {}
    volumes = {scenario: schedule.net_power for scenario, schedule in solved.items()}
    return method.bid(market, day.grid, asset, derived, volumes)


def _joint_bid(
    market: Market, day: Day, asset: AssetConfiguration, scenarios: ScenarioSet, method: JointMethod
) -> BidMatrix:
    program = method.program(market, day.grid, asset, scenarios)
    problem, area = day.problem, asset.price_area
    taken = [
        Scenario.out_of(scenarios, area, scenario, problem)
        for scenario in method.taken_together(asset, scenarios)
    ]
    found = solved_jointly(problem, taken, program, commitment=day.commitment)
    if isinstance(found, SolveFailure):
        raise NoSchedule(f"{asset.method.name}: {found.message}", **found.to_document())
    return method.joint_bid(market, day.grid, asset, program, found)


def _day(
    archive: Archive,
    asset: AssetConfiguration,
    entrant: Entrant,
    settings: BacktestSettings,
    date_: date,
    day: Day,
) -> tuple[BacktestDay, Schedule]:
    """Return a day without what hangs on the day before, and the schedule it was delivered by."""
    scenarios = outlook(archive, asset.price_area, date_, entrant, settings)
    bid = bid_for(archive.market, day, asset, scenarios)
    # Only from here on does anything know what the prices came to.
    return evaluated(archive.market, date_, day, bid, archive.came(date_), settings.imbalance)


def evaluated(
    market: Market,
    date_: date,
    day: Day,
    bid: BidMatrix,
    spot: NDArray[np.float64],
    imbalance: ImbalancePrices,
) -> tuple[BacktestDay, Schedule]:
    """Return what a bid came to at (T,) prices, and the schedule that delivered it.

    Starts and spill are left out: they hang on the days around. Raises:
        NoSchedule: the day has no feasible schedule.
    """
    grid = day.grid
    perfect = perfect_foresight(day, spot)
    delivery = deliver(day, sold_at(bid, spot, market), spot, imbalance)
    volume = delivery.schedule.volume
    done = BacktestDay(
        day=date_,
        bid=bid,
        accepted=accepted_blocks(bid.block_bid, spot),
        value=delivery.value,
        water_before=sum(r.start_volume * r.water_value for r in day.watercourse.reservoirs),
        perfect=perfect.objective.total,
        no_production=worth_idle(day),
        sold=_energy(delivery.sold, grid),
        shortage=_energy(delivery.shortage, grid),
        surplus=_energy(delivery.surplus, grid),
        starts=0,
        spill=0.0,
        end_volumes={name: float(values[-1]) for name, values in volume.items()},
    )
    return done, delivery.schedule


def _energy(power: NDArray[np.float64], grid: MtuGrid) -> float:
    return float(np.sum(power)) * grid.hours
