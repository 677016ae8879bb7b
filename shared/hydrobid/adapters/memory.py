"""Every port in memory: real adapters, for tests and for a whole pipeline in one process."""

from __future__ import annotations

import copy
import threading
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.clearing import cleared
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import (
    DocumentExists,
    ExchangeRefused,
    OrderConflict,
)
from hydrobid.domain.identifiers import Portfolio, PriceArea, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.messages import Message
from hydrobid.domain.records import Alert
from hydrobid.domain.results import PublishedResult, TradedOrder
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline.ports import Auction, Create, Document, ExchangeOrder, Transaction, Write

T = TypeVar("T")


class MemoryClock:
    """A clock that moves only when it is told to; both times start at `start`."""

    def __init__(self, start: datetime) -> None:
        self._now = self._real = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def real_now(self) -> datetime:
        return self._real

    def advance(self, span: timedelta) -> None:
        """Move market time."""
        self._now += span

    def advance_real(self, span: timedelta) -> None:
        """Move real time: leases run out."""
        self._real += span


class MemoryDocuments:
    """Documents in a dictionary; transactions are serial under one lock."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._ids: defaultdict[str, list[str]] = defaultdict(list)  # sorted, by collection
        self._lock = threading.RLock()

    def get(self, path: str) -> Document | None:
        with self._lock:
            return copy.deepcopy(self._documents.get(path))

    def get_many(self, paths: Sequence[str]) -> list[Document | None]:
        with self._lock:
            return [copy.deepcopy(self._documents.get(path)) for path in paths]

    def find(self, collection: str, **equal: str) -> dict[str, Document]:
        with self._lock:
            listed = (
                (i, self._documents[f"{collection}/{i}"]) for i in self._ids.get(collection, ())
            )
            return {
                name: copy.deepcopy(document)
                for name, document in listed
                if all(document.get(field) == value for field, value in equal.items())
            }

    def commit(self, *writes: Write) -> None:
        with self._lock:
            for write in writes:
                if isinstance(write, Create) and write.path in self._documents:
                    raise DocumentExists(f"{write.path} exists", path=write.path)
            for write in writes:
                if write.path not in self._documents:
                    collection, _, name = write.path.rpartition("/")
                    insort(self._ids[collection], name)
                self._documents[write.path] = copy.deepcopy(write.document)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        with self._lock:
            transaction = _MemoryTransaction(self)
            result = work(transaction)
            self.commit(*transaction.writes)
            return result


class _MemoryTransaction:
    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        if self.writes:
            raise RuntimeError("a transaction reads before it writes")
        return self._documents.get(path)

    def write(self, *writes: Write) -> None:
        self.writes.extend(writes)


class MemoryMessages:
    """Published messages, oldest first, until somebody delivers them."""

    def __init__(self) -> None:
        self.waiting: deque[Message] = deque()

    def publish(self, message: Message) -> None:
        self.waiting.append(message)


class MemoryCallbacks:
    """Remembers who was called, with what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Document]] = []

    def call(self, url: str, content: Document) -> None:
        self.calls.append((url, content))


class MemoryNotifier:
    """Remembers what was told, in that order."""

    channel = "memory"

    def __init__(self) -> None:
        self.told: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        self.told.append(alert)


SolveScenarios = Callable[
    [Watercourse, MtuGrid, Mapping[ScenarioId, NDArray[np.float64]]],
    Iterator[tuple[ScenarioId, Schedule | SolveFailure]],
]


class InProcessSolver:
    """The solver in the caller's own process."""

    def __init__(self, solve_scenarios: SolveScenarios) -> None:
        self._solve_scenarios = solve_scenarios

    def solve(
        self,
        watercourse: Watercourse,
        grid: MtuGrid,
        prices: Mapping[ScenarioId, NDArray[np.float64]],
        scenario_seconds: float,
    ) -> AbstractContextManager[Iterator[tuple[ScenarioId, Schedule | SolveFailure]]]:
        del scenario_seconds  # a solver in this process cannot be stopped
        return nullcontext(self._solve_scenarios(watercourse, grid, prices))


class MemoryExchange:
    """An exchange that takes one curve order for a portfolio, area and day until the gate.

    Its auctions clear when somebody publishes prices.
    """

    def __init__(self, clock: MemoryClock) -> None:
        self._clock = clock
        self._closes: dict[str, datetime] = {}
        self._placed = 0
        self._prices: dict[tuple[str, PriceArea], Sequence[float]] = {}
        self.orders: dict[tuple[str, Portfolio, PriceArea], ExchangeOrder] = {}

    def auction(self, market: Market, day: date) -> Auction:
        auction = f"{market.id}-{day.isoformat()}"
        closes = self._closes.setdefault(auction, market.gate(day))
        published = any(name == auction for name, _ in self._prices)
        return Auction(auction, self._clock.now() < closes, closes, published)

    def publish(self, auction: Auction, area: PriceArea, prices: Sequence[float]) -> None:
        """Publish what an area came to: a price of each MTU, in the market's currency per MWh."""
        self._prices[auction.id, area] = tuple(prices)

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        prices = self._prices.get((auction.id, area))
        if prices is None:
            return None
        grid = market.grid(day)
        order = self.orders.get((auction.id, portfolio, area))
        trades: tuple[TradedOrder, ...] = ()
        volumes: tuple[float, ...] = (0.0,) * len(grid)
        if order is not None and order.matrix is not None:
            lots = np.rint(
                cleared(order.matrix, np.array(prices), market) / float(order.matrix.lot)
            )
            volumes = tuple(order.matrix.volume(int(count)) for count in lots)
            trades = (TradedOrder(order_id=order.order_id, kind="curve", volumes=volumes),)
        return PublishedResult(
            auction=auction.id,
            portfolio=portfolio,
            price_area=area,
            currency=market.currency,
            status="final",
            mtu_start=grid.start,
            mtu_minutes=market.mtu_minutes,
            prices=tuple(prices),
            volumes=volumes,
            trades=trades,
        )

    def standing_order(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrder | None:
        del market, day
        return self.orders.get((auction.id, portfolio, area))

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        self._check_open(auction)
        key = (auction.id, portfolio, matrix.price_area)
        if key in self.orders:
            raise OrderConflict("an order stands already")
        self._placed += 1
        order_id = f"order-{self._placed}"
        self.orders[key] = ExchangeOrder(order_id, 1, "Accepted", comment, matrix)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        key = self._key_of(auction, order_id)
        version = self.orders[key].version + 1
        self.orders[key] = ExchangeOrder(order_id, version, "Accepted", comment, matrix)

    def cancel(self, auction: Auction, order_id: str) -> None:
        del self.orders[self._key_of(auction, order_id)]

    def _key_of(self, auction: Auction, order_id: str) -> tuple[str, Portfolio, PriceArea]:
        """Return where an order stands that may still be changed."""
        self._check_open(auction)
        for key, order in self.orders.items():
            if order.order_id == order_id:
                return key
        raise OrderConflict(f"no order {order_id}", order_id=order_id)

    def _check_open(self, auction: Auction) -> None:
        if self._clock.now() >= self._closes[auction.id]:
            raise ExchangeRefused("the auction is closed")
