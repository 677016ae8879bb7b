"""The two-stage programme of a day: curves that all scenarios share, and what each then does.

First stage: the volumes of the curves. Second stage, for each scenario by itself: the schedule that
delivers what its prices take of the curves, imbalances settled. All of it is one linear programme,
solved at once. Points cost next to nothing, scenarios count.

Units on or off would make it a mixed-integer programme of 60 days. It is taken apart instead: each
scenario's choices are those of its own best day first; the curves follow with these choices fixed;
each scenario then chooses anew for what those curves make it sell, where that is better; and the
curves follow once more. No step lessens the worth, since what stood before it remains possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.curve_program import CurveProgram, SharedCurves
from hydrobid.hydro.curves import committed_production, convex_production
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.highs import SearchLimits, WholeSolver, solved_at_once
from hydrobid.hydro.model import HydroModel
from hydrobid.hydro.problem import Problem, Series, Trade
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.hydro.sparse import Positions, SparseModel

Array = NDArray[np.float64]

# Of a day worth a million these leave ten, and fifty where a choice is made again: curves smooth more
# than that away, and a search of sixty days must not take longer than the sixty themselves.
ALONE = SearchLimits(gap=1e-5, nodes=50)
AGAIN = SearchLimits(gap=5e-5, nodes=1)


def shared_curves(
    problem: Problem,
    scenarios: Sequence[Scenario],
    program: CurveProgram,
    *,
    commitment: bool = False,
) -> SharedCurves | SolveFailure:
    """Return the curves that are worth most over all scenarios, or why there are none.

    scenarios: in the order of the program's, each over the problem's horizon; on the delivery day
    their prices are the program's. commitment: whether units are on or off, at the head of the
    start. Equal input gives equal curves.
    """
    seconds = [_Second(problem, scenario, program, commitment) for scenario in scenarios]
    programme = _Programme(seconds, program)
    if not commitment:
        return _curves(_few_blocks(programme, [None] * len(seconds)))
    choices: list[Array | None] = []
    for scenario in scenarios:
        chosen = _alone(problem, scenario)
        if isinstance(chosen, SolveFailure):
            return chosen
        choices.append(chosen)
    first = _few_blocks(programme, choices)
    if isinstance(first, SolveFailure):
        return first
    for at, (second, cost) in enumerate(zip(seconds, first.costs, strict=True)):
        anew = second.chosen(programme.sold(at, first.curves), cost)
        choices[at] = choices[at] if anew is None else anew
    return _curves(programme.solve(choices))


def _curves(solved: _Solved | SolveFailure) -> SharedCurves | SolveFailure:
    return solved if isinstance(solved, SolveFailure) else solved.curves


def _few_blocks(programme: _Programme, choices: Sequence[Array | None]) -> _Solved | SolveFailure:
    """Return the best curves with no more blocks than may be: those that sell most energy."""
    solved = programme.solve(choices)
    if isinstance(solved, SolveFailure) or not programme.drop_blocks(solved.curves.blocks):
        return solved
    return programme.solve(choices)


def _alone(problem: Problem, scenario: Scenario) -> Array | SolveFailure:
    """Return the whole choices of a scenario's best day, had it the market to itself."""
    own = scenario.of(problem)
    model = formulate(own, committed_production(own))
    solver = WholeSolver(model.sparse, model.basic, model.nonbasic, ALONE)
    found = solver.solve(model.costs(scenario.prices))
    if isinstance(found, SolveFailure):
        return found
    return np.rint(found.columns[model.sparse.integer])


class _Second:
    """A scenario's second stage: the model of delivering whatever its curves sell.

    day: periods of the delivery day. rows: their power balances. sold: MW of that day already.
    """

    def __init__(
        self, problem: Problem, scenario: Scenario, program: CurveProgram, commitment: bool
    ) -> None:
        self.day = problem.horizon.delivery
        away = program.imbalance.away(scenario.prices[self.day])
        own = replace(scenario.of(problem), trade=_settled(problem.trade, self.day, away))
        self.model: HydroModel = formulate(
            own, committed_production(own) if commitment else convex_production(own)
        )
        prices = scenario.prices.copy()
        prices[self.day] -= away
        self.costs: Array = self.model.costs(prices)
        self.rows: Positions = self.model.power_balance[self.day]
        self.sold: Series = own.trade.obligation[self.day]
        self.whole: Positions = np.flatnonzero(self.model.sparse.integer)

    def chosen(self, volumes: Series, cost: float) -> Array | None:
        """Return whole choices that deliver (T,) MW at less than `cost`; None: none were found."""
        model = self.model
        solver = WholeSolver(model.sparse, model.basic, model.nonbasic, AGAIN)
        solver.change_rows(self.rows, self.sold + volumes)
        found = solver.solve(self.costs)
        if isinstance(found, SolveFailure) or found.objective >= cost:
            return None
        return np.rint(found.columns[self.whole])


def _settled(trade: Trade, day: slice, away: Series) -> Trade:
    """Return trade in which what the day produces more or less than is sold is imbalance."""
    sale, purchase = trade.sale_max.copy(), trade.purchase_max.copy()
    markup = trade.purchase_markup.copy()
    sale[day] = purchase[day] = np.inf
    # Without any cost of imbalance there would be no need to sell anything beforehand.
    markup[day] = np.maximum(2 * away, LEAST_MARKUP)
    return Trade(trade.obligation, sale, purchase, markup)


LEAST_MARKUP = 1e-3
"""Currency per MWh."""


def _firsts(sizes: Sequence[int], first: int) -> Positions:
    """Return where each of blocks of those sizes begins, one behind the other."""
    return first + np.cumsum([0, *sizes[:-1]])


@dataclass(frozen=True, eq=False)
class _Solved:
    """curves: the first stage. costs: (S,) of each second stage as it is."""

    curves: SharedCurves
    costs: Array


class _Programme:
    """All stages in one sparse model: the rises of the curves, then each scenario's columns."""

    def __init__(self, seconds: Sequence[_Second], program: CurveProgram) -> None:
        self._seconds, self._program = seconds, program
        mtus = len(program.points)
        self._taken = [program.taken(mtu) for mtu in range(mtus)]
        self._rises = np.concatenate([[0], np.cumsum([points.size for points in program.points])])
        # Of mean one, so that the tolerances and tie-breaks of a single day's model hold here.
        self._weights: Array = program.weights / np.mean(program.weights)
        self._accepting = np.array(
            [program.accepting(block) for block in program.blocks], dtype=np.bool_
        ).reshape(len(program.blocks), len(seconds))
        self._kept = np.ones(len(program.blocks), dtype=np.bool_)
        chosen = int(self._rises[-1]) + len(program.blocks)
        self._first_column = _firsts([s.model.sparse.width for s in seconds], chosen)
        self._first_row = _firsts([second.model.sparse.height for second in seconds], mtus)
        self._hours = seconds[0].model.problem.horizon.hours[seconds[0].day]
        self._sparse = self._model()

    def solve(self, choices: Sequence[Array | None]) -> _Solved | SolveFailure:
        """Return the best curves with each scenario's whole choices as given."""
        sparse = self._sparse
        lower, upper = sparse.lower.copy(), sparse.upper.copy()
        upper[self._rises[-1] : self._first_column[0]][~self._kept] = 0.0
        for first, second, chosen in zip(self._first_column, self._seconds, choices, strict=True):
            if chosen is not None:
                lower[first + second.whole] = upper[first + second.whole] = chosen
        found = solved_at_once(replace(sparse, lower=lower, upper=upper))
        if isinstance(found, SolveFailure):
            return found
        cuts = [self._rises[-1], *self._first_column]
        rises, blocks, *stages = np.split(found.columns, cuts)
        volumes = tuple(np.cumsum(each) for each in np.split(rises, self._rises[1:-1]))
        costs = np.array(
            [second.costs @ own for second, own in zip(self._seconds, stages, strict=True)]
        )
        constants = np.array([second.model.constant for second in self._seconds])
        worth = -found.objective / self._weights.size - float(np.mean(self._weights * constants))
        return _Solved(SharedCurves(volumes, worth, blocks), costs)

    def drop_blocks(self, volumes: Array) -> bool:
        """Leave out all but the blocks that sell most energy by weight; whether any was."""
        lengths = np.array([block.count for block in self._program.blocks])
        energy = np.round(volumes * lengths * (self._accepting @ self._weights), 6)
        best = np.argsort(-energy, kind="stable")[: self._program.blocks_max]
        self._kept = np.zeros(energy.size, dtype=np.bool_)
        self._kept[best[energy[best] > 0]] = True
        return not np.all(self._kept)

    def sold(self, scenario: int, curves: SharedCurves) -> Array:
        """Return the (T,) MW that curves and blocks sell in a scenario."""
        sold = np.array(
            [
                taken[scenario] @ np.diff(volumes, prepend=0.0)
                for taken, volumes in zip(self._taken, curves.volumes, strict=True)
            ]
        )
        for block, taken, volume in zip(
            self._program.blocks, self._accepting[:, scenario], curves.blocks, strict=True
        ):
            sold[block.mtus] += volume * taken
        return sold

    def _model(self) -> SparseModel:
        program, parts = self._program, [second.model.sparse for second in self._seconds]
        rows, columns, values = self._entries(parts)
        width = int(self._first_column[-1]) + parts[-1].width
        order = np.lexsort((rows, columns))
        starts = np.searchsorted(columns[order], np.arange(width + 1))
        rises, mtus = int(self._rises[-1]), len(program.points)
        lower, upper = np.zeros(rises), np.full(rises, program.most - program.least)
        lower[self._rises[:-1]], upper[self._rises[:-1]] = program.least, program.most
        no_block = np.zeros(len(program.blocks))
        costs = [w * s.costs for w, s in zip(self._weights, self._seconds, strict=True)]
        blocks = [(0, "most that can be sold")]
        for number, (first, part) in enumerate(zip(self._first_row, parts, strict=True), start=1):
            blocks += [(int(first) + at, f"scenario {number}: {name}") for at, name in part.blocks]
        return SparseModel(
            costs=np.concatenate([self._sales(), self._block_sales(), *costs]),
            lower=np.concatenate([lower, no_block, *(part.lower for part in parts)]),
            upper=np.concatenate([upper, no_block + program.most, *(part.upper for part in parts)]),
            integer=np.zeros(width, dtype=np.bool_),
            row_lower=np.concatenate([np.full(mtus, -np.inf), *(p.row_lower for p in parts)]),
            row_upper=np.concatenate([np.full(mtus, program.most), *(p.row_upper for p in parts)]),
            starts=starts.astype(np.int32),
            index=rows[order].astype(np.int32),
            value=values[order],
            blocks=tuple(blocks),
        )

    def _sales(self) -> Array:
        """Return what each rise costs: less what is sold of it, at the spot price."""
        return np.concatenate(
            [
                -hours * (self._weights * self._program.prices[:, mtu]) @ taken
                for mtu, (taken, hours) in enumerate(zip(self._taken, self._hours, strict=True))
            ]
        )

    def _block_sales(self) -> Array:
        """Return what each block costs by the MW: less what it earns where it is taken."""
        return np.array(
            [
                -(self._weights * taken) @ (self._program.prices[:, block.mtus] @ hours)
                for block, taken in zip(self._program.blocks, self._accepting, strict=True)
                for hours in [self._hours[block.mtus]]
            ]
        )

    def _entries(self, parts: Sequence[SparseModel]) -> tuple[Positions, Positions, Array]:
        """Return rows, columns and values: no curve above the most, what is sold delivered."""
        every, mtu_of = (
            np.arange(self._rises[-1]),
            np.repeat(np.arange(len(self._taken)), np.diff(self._rises)),
        )
        rows, columns, values = [mtu_of], [every], [np.ones(every.size)]
        for at, block in enumerate(self._program.blocks, start=int(self._rises[-1])):
            rows.append(np.array(block.mtus))
            columns.append(np.full(block.count, at))
            values.append(np.ones(block.count))
        for number, (part, second) in enumerate(zip(parts, self._seconds, strict=True)):
            rows.append(self._first_row[number] + part.index)
            own = np.repeat(np.arange(part.width), np.diff(part.starts))
            columns.append(self._first_column[number] + own)
            values.append(part.value)
            taken = np.concatenate([share[number] for share in self._taken])
            used = np.flatnonzero(taken)
            rows.append(self._first_row[number] + second.rows[mtu_of[used]])
            columns.append(used)
            values.append(-taken[used])
            for at, block in enumerate(self._program.blocks):
                if self._accepting[at, number]:
                    rows.append(second.rows[block.mtus] + self._first_row[number])
                    columns.append(np.full(block.count, self._rises[-1] + at))
                    values.append(np.full(block.count, -1.0))
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
