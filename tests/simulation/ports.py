"""The product's ports, wrapped: each call gives way to others, and may meet a fault.

The adapters inside are the memory ones. A transaction gives way too; it is tried again when what it
read has changed by the time it commits, as Firestore does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from simulation.faults import Faults
from simulation.kernel import Choices, Kernel, Task

from hydrobid.adapters.memory import (
    MemoryDocuments,
    MemoryExchange,
    SolveJointly,
    SolveProblem,
)
from hydrobid.adapters.memory_exchange import Slot
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import (
    Contended,
    DocumentExists,
    ExchangeDenied,
    ExchangeRefused,
    OrderConflict,
    OutcomeUnknown,
    ServiceUnavailable,
    SolverDied,
)
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.messages import Message
from hydrobid.domain.records import Alert
from hydrobid.domain.results import PublishedResult
from hydrobid.pipeline.ports import (
    Auction,
    Create,
    Document,
    ExchangeOrders,
    Judgement,
    Terms,
    Transaction,
    Write,
)

T = TypeVar("T")

TRANSACTION_ATTEMPTS = 5
IDLE_TRANSACTION_SECONDS = 60.0
EXCHANGE_TIMEOUT = 10.0


class Witness(Protocol):
    """Whoever checks what changes."""

    def wrote(self, writes: Sequence[Write], before: Mapping[str, Document | None]) -> None:
        """See a batch of writes, and what stood at their paths before."""

    def exchange_changed(self, orders: ExchangeOrders, area: PriceArea) -> None:
        """See what stands after an order was placed, amended or cancelled."""


@dataclass(frozen=True)
class World:
    """What every port needs: time, chance and faults. slowest: seconds that a call may take."""

    kernel: Kernel
    choices: Choices
    faults: Faults
    slowest: float

    @property
    def scale(self) -> float:
        """Seconds that a call takes at most: slowness ends with the faults."""
        return min(self.slowest, 0.1) if self.faults.quiet else self.slowest

    def step(self, what: str) -> str:
        """Give way before a port call; return the name of the place, for its faults."""
        task = self.kernel.current
        if task is None:
            raise RuntimeError(f"{what} outside of a task")
        site = f"{task.name} | {what}"
        seconds = self.scale * task.wait() ** 4
        if self.faults.strikes("freeze", site):
            seconds = self.choices.between(60, 600, f"freeze {site}")
            self.kernel.note(f"frozen for {seconds:.0f} s before {what}")
        self.kernel.pause(seconds)
        return site

    def crash_at(self, kind: str, site: str) -> None:
        """End the task here if a crash is due."""
        if self.faults.strikes(kind, site):
            self.kernel.note(kind)
            self.kernel.crash()

    def fail_at(self, kind: str, site: str) -> None:
        """Raise ServiceUnavailable if such a fault is due."""
        if self.faults.strikes(kind, site):
            self.kernel.note(kind)
            raise ServiceUnavailable(f"simulated {kind}", site=site)


class SimulatedClock:
    """Market time and real time are one, and virtual."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def now(self) -> datetime:
        return self._kernel.instant()

    def real_now(self) -> datetime:
        return self._kernel.instant()


class SimulatedDocuments:
    """Documents that others may change between any two calls."""

    def __init__(self, world: World, inner: MemoryDocuments, witness: Witness) -> None:
        self._world, self._inner, self._witness = world, inner, witness

    def get(self, path: str) -> Document | None:
        self._read(f"get {path}")
        return self._inner.get(path)

    def get_many(self, paths: Sequence[str]) -> list[Document | None]:
        if not paths:
            return []  # nothing to ask for is no call, in Firestore's adapter as well
        self._read(f"get_many {paths[0]}")
        return self._inner.get_many(paths)

    def find(self, collection: str, **equal: str) -> dict[str, Document]:
        self._read(f"find {collection}")
        return self._inner.find(collection, **equal)

    def commit(self, *writes: Write) -> None:
        site = self._world.step(f"commit {writes[0].path}")
        self._write(site, writes)
        created = next((write.path for write in writes if isinstance(write, Create)), None)
        if created is not None and self._world.faults.strikes("created-twice", site):
            raise DocumentExists(f"{created} exists", path=created)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        for _ in range(TRANSACTION_ATTEMPTS):
            site = self._world.step("transact")
            begun = self._world.kernel.now
            transaction = _SimulatedTransaction(self._world, self._inner)
            result = work(transaction)
            if not transaction.writes:
                return result
            site = self._world.step(f"commit {transaction.writes[0].path}")
            idle = self._world.kernel.now - begun > IDLE_TRANSACTION_SECONDS
            if not idle and transaction.still_true():
                self._write(site, transaction.writes)
                if not self._world.faults.strikes("transacted-twice", site):
                    return result
            self._world.kernel.note("transaction tried again")
        raise Contended("simulated: others kept interfering")

    def _read(self, what: str) -> None:
        self._world.fail_at("read-error", self._world.step(what))

    def _write(self, site: str, writes: Sequence[Write]) -> None:
        world = self._world
        world.crash_at("crash-before", site)
        world.fail_at("error-before", site)
        before = {write.path: self._inner.get(write.path) for write in writes}
        self._inner.commit(*writes)
        self._witness.wrote(writes, before)
        world.crash_at("crash-after", site)
        world.fail_at("error-after", site)


class _SimulatedTransaction:
    """Remembers what it read, to see at its end whether that still stands."""

    def __init__(self, world: World, inner: MemoryDocuments) -> None:
        self._world, self._inner = world, inner
        self._read: dict[str, Document | None] = {}
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        if self.writes:
            raise RuntimeError("a transaction reads before it writes")
        self._world.step(f"read {path}")
        self._read[path] = self._inner.get(path)
        return self._read[path]

    def write(self, *writes: Write) -> None:
        self.writes.extend(writes)

    def still_true(self) -> bool:
        # Documents are never changed in place here, so another version is another object.
        return all(self._inner.get(path) is document for path, document in self._read.items())


class WitnessedDocuments:
    """Documents that change at once and without faults, seen by the witness all the same."""

    def __init__(self, inner: MemoryDocuments, witness: Witness) -> None:
        self._inner, self._witness = inner, witness
        self.get, self.get_many, self.find = inner.get, inner.get_many, inner.find

    def commit(self, *writes: Write) -> None:
        before = {write.path: self._inner.get(write.path) for write in writes}
        self._inner.commit(*writes)
        self._witness.wrote(writes, before)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        batch = _Batch(self._inner)
        result = work(batch)
        self.commit(*batch.writes)
        return result


class _Batch:
    """A transaction of which nobody else knows anything."""

    def __init__(self, inner: MemoryDocuments) -> None:
        self.get = inner.get
        self.writes: list[Write] = []

    def write(self, *writes: Write) -> None:
        self.writes.extend(writes)


class SimulatedMessages:
    """Publishing, which may fail before or after the message was taken."""

    def __init__(self, world: World, publish: Callable[[str, Document], None]) -> None:
        self._world, self._publish = world, publish

    def publish(self, message: Message) -> None:
        world, topic = self._world, message.topic
        site = world.step(f"publish {topic}")
        world.crash_at("crash-before", site)
        world.fail_at("error-before", site)
        self._publish(topic, message.to_document())
        world.crash_at("crash-after", site)
        world.fail_at("error-after", site)


class SimulatedCallbacks:
    """Calls to waiting executions."""

    def __init__(self, world: World, receive: Callable[[str, Document], None]) -> None:
        self._world, self._receive = world, receive

    def call(self, url: str, content: Document) -> None:
        site = self._world.step("call back")
        self._world.crash_at("crash-before", site)
        self._world.fail_at("error-before", site)
        self._receive(url, content)
        self._world.fail_at("error-after", site)


class SimulatedNotifier:
    """A channel to people, which may not answer; `told` holds the versions that arrived."""

    channel = "simulated"

    def __init__(self, world: World) -> None:
        self._world = world
        self.told: set[tuple[str, int]] = set()

    def notify(self, alert: Alert) -> None:
        site = self._world.step(f"tell {alert.code}")
        self._world.fail_at("error-before", site)
        self.told.add((alert.id, alert.version))
        self._world.crash_at("crash-after", site)
        self._world.fail_at("error-after", site)


class SimulatedSolver:
    """A solver that takes its time, hangs over a scenario, or dies with it."""

    def __init__(self, world: World, solve: SolveProblem, share: SolveJointly) -> None:
        self._world, self._solve, self._share = world, solve, share

    @contextmanager
    def solve(
        self, problem: Any, scenarios: Any, scenario_seconds: float
    ) -> Iterator[Iterator[Any]]:
        self._world.step("wait for a solver")
        yield self._results(self._solve(problem, scenarios), scenario_seconds)

    @contextmanager
    def solve_jointly(
        self, problem: Any, scenarios: Any, program: Any, seconds: float
    ) -> Iterator[Iterator[Any]]:
        self._world.step("wait for a solver")
        found = self._share(problem, scenarios, program)
        yield (result for _, result in self._results(iter([("jointly", found)]), seconds))

    def _results(self, results: Iterator[Any], scenario_seconds: float) -> Iterator[Any]:
        world = self._world
        for scenario, result in results:
            site = world.step(f"solve {scenario}")
            world.crash_at("crash-before", site)
            if world.faults.strikes("solver-hangs", site):
                world.kernel.note("hangs")
                world.kernel.pause(scenario_seconds)
                raise SolverDied("simulated: took too long")
            if world.faults.strikes("solver-dies", site):
                world.kernel.note("solver died")
                raise SolverDied("simulated: died")
            yield scenario, result


def standing(exchange: MemoryExchange) -> dict[Slot, ExchangeOrders]:
    """Return all that stands, by auction, portfolio and price area."""
    return {
        slot: ExchangeOrders(exchange.orders.get(slot), tuple(exchange.blocks.get(slot, ())))
        for slot in exchange.orders.keys() | exchange.blocks.keys()
    }


class SimulatedExchange:
    """An exchange whose requests are lost, late, denied or refused, and whose answers are lost."""

    def __init__(self, world: World, inner: MemoryExchange, witness: Witness) -> None:
        self._world, self._inner, self._witness = world, inner, witness
        self.refused: set[str] = set()
        self._ends: dict[Task | None, float] = {}

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        kernel = self._world.kernel
        ends, task = kernel.now + seconds, kernel.current
        self._ends[task] = ends
        try:
            yield
        finally:
            del self._ends[task]

    def auction(self, market: Market, day: date) -> Auction:
        self._read("auction")
        return self._inner.auction(market, day)

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        self._read("look")
        found = self._inner.standing_orders(market, day, auction, portfolio, area)
        self._world.step("look answered")
        return found

    def terms(self, *asked: Any) -> Terms:
        # They come with the auction: no step of their own.
        terms = self._inner.terms(*asked)
        if self._world.faults.strikes("exchange-forbids", f"terms of {asked[-1]}"):
            self._world.kernel.note("not permitted")
            return replace(terms, writable=False)
        return terms

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        self._world.fail_at("read-error", f"judgement of {order_id}")
        versions = {order.order_id: order.version for order in self._inner.orders.values()}
        version = versions.get(order_id)  # None: it was cancelled since the look
        if version is not None and self._world.faults.always(
            "exchange-doubts", f"{order_id} v{version}"
        ):
            return Judgement(approved=False, objections=("simulated",))
        return self._inner.judgement(auction, order_id)

    def result(self, *asked: Any) -> PublishedResult | None:
        self._read("result")
        return self._inner.result(*asked)

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        self._change(
            f"place {matrix.price_area}",
            matrix,
            lambda: self._inner.place(auction, portfolio, matrix, comment),
        )

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        self._change(
            f"amend {matrix.price_area}",
            matrix,
            lambda: self._inner.amend(auction, order_id, matrix, comment),
        )

    def cancel(self, auction: Auction, order_id: str) -> None:
        self._change(f"cancel {order_id}", None, lambda: self._inner.cancel(auction, order_id))

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        self._change(
            f"place blocks {matrix.price_area}",
            matrix,
            lambda: self._inner.place_blocks(auction, portfolio, matrix, comment),
        )

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        self._change(
            f"amend blocks {matrix.price_area}",
            matrix,
            lambda: self._inner.amend_blocks(auction, order_id, matrix, comment),
        )

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        self._change(
            f"cancel blocks {order_id}", None, lambda: self._inner.cancel_blocks(auction, order_id)
        )

    def _read(self, what: str) -> None:
        world = self._world
        site = world.step(what)
        if world.kernel.now > self._ends.get(world.kernel.current, math.inf):
            raise ServiceUnavailable("simulated: not in time")
        world.fail_at("read-error", site)
        if world.faults.strikes("exchange-denied", site):
            raise ExchangeDenied("simulated")

    def _change(self, what: str, matrix: BidMatrix | None, act: Callable[[], None]) -> None:
        world, faults = self._world, self._world.faults
        site = world.step(what)
        if faults.strikes("exchange-frozen", site):
            frozen = world.choices.between(60, 600, f"frozen {site}")
            world.kernel.note(f"frozen for {frozen:.0f} s before {what}")
            world.kernel.pause(frozen)
        world.crash_at("crash-before", site)
        world.fail_at("error-before", site)
        if faults.strikes("exchange-lost", site):
            world.kernel.note(f"{what} lost")
            world.kernel.pause(EXCHANGE_TIMEOUT)
            raise OutcomeUnknown("simulated: lost")
        if faults.strikes("exchange-late", site):
            late = world.choices.between(5, 900, f"late {site}")
            world.kernel.note(f"{what} will act in {late:.0f} s")
            world.kernel.after(late, lambda: self._act_late(what, matrix, act))
            world.kernel.pause(EXCHANGE_TIMEOUT)
            raise OutcomeUnknown("simulated: late")
        self._act(what, matrix, act)
        world.crash_at("crash-after", site)
        if faults.strikes("error-after", site):
            world.kernel.note("answer lost")
            raise OutcomeUnknown("simulated: answer lost")

    def _act_late(self, what: str, matrix: BidMatrix | None, act: Callable[[], None]) -> None:
        try:
            self._act(f"late {what}", matrix, act)
        except (ExchangeRefused, OrderConflict) as error:
            self._world.kernel.note(f"late {what}: {error.code}")

    def _act(self, what: str, matrix: BidMatrix | None, act: Callable[[], None]) -> None:
        if matrix is not None:
            self._judge(what, matrix.digest())
        before = standing(self._inner)
        act()
        self._world.kernel.note(
            f"{what}: done" if matrix is None else f"{what}: {matrix.digest()[:8]} stands"
        )
        after = standing(self._inner)
        for key in before.keys() | after.keys():
            orders = after.get(key, ExchangeOrders())
            if orders != before.get(key):
                self._witness.exchange_changed(orders, key[2])

    def _judge(self, what: str, digest: str) -> None:
        part = "blocks " if "blocks" in what else ""
        if self._world.faults.always("exchange-refuses", f"{part}{digest[:12]}"):
            self.refused.add(digest)
            self._world.kernel.note(f"{what} refused: {digest[:8]}")
            raise ExchangeRefused("simulated: the exchange does not like this content")
