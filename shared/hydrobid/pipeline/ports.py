"""What the use cases need of the world; adapters provide it.

Documents are mappings of JSON-ready values, or bytes, under slash-separated paths of one client's database: a path with
an even number of parts names a document, one with an odd number a collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar, runtime_checkable

from hydrobid.domain.blocks import BlockOrder
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Identifier, Portfolio, PriceArea, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.messages import Message
from hydrobid.domain.records import Alert
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.results import PublishedResult
from hydrobid.hydro.joint_program import JointProgram, JointResult
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline.order_steps import Step

Document = dict[str, Any]
T = TypeVar("T")


class Clock(Protocol):
    """Two times: the market's, which can be moved, and the machines', which cannot."""

    def now(self) -> datetime:
        """Return market time, aware UTC."""
        ...

    def real_now(self) -> datetime:
        """Return real time, aware UTC: for leases."""
        ...


@dataclass(frozen=True)
class Create:
    """Write a document that must not exist. expires: from then on it may be gone; None: never."""

    path: str
    document: Document
    expires: datetime | None = None


@dataclass(frozen=True)
class Put:
    """Write a document, whether it exists or not. expires: as of Create, whatever was said before."""

    path: str
    document: Document
    expires: datetime | None = None


Write = Create | Put


class Transaction(Protocol):
    """Reads that stay true until the writes are made; all reads come before the first write."""

    def get(self, path: str) -> Document | None:
        """Return a document, or None."""
        ...

    def write(self, *writes: Write) -> None:
        """Make the writes when the transaction commits."""
        ...


class Documents(Protocol):
    """One client's documents. What a call returned as written stays written."""

    def get(self, path: str) -> Document | None:
        """Return a document, or None."""
        ...

    def get_many(self, paths: Sequence[str]) -> list[Document | None]:
        """Return the documents at `paths`, in that order, None for each that does not exist."""
        ...

    def find(self, collection: str, **equal: str) -> dict[str, Document]:
        """Return the documents of a collection by id, sorted, whose fields equal what is given."""
        ...

    def commit(self, *writes: Write) -> None:
        """Make all writes or none.

        Raises:
            DocumentExists: a document to be created exists.
        """
        ...

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Return what `work` returns, run as if nobody else wrote meanwhile.

        It may be run several times. Raises DocumentExists as `commit` does, and Contended when
        others kept interfering.
        """
        ...


class Messages(Protocol):
    """Where messages are published; what was published is delivered at least once."""

    def publish(self, message: Message) -> None:
        """Return when the message is sure to be delivered."""
        ...


class People(Protocol):
    """How people show who they are."""

    def who_asks(self, headers: Mapping[str, str]) -> str:
        """Return the name of whoever makes a request, by its headers, named in lower case.

        Raises:
            Unauthenticated: they have not shown it. ServiceUnavailable: it cannot be verified now.
        """
        ...


class Callbacks(Protocol):
    """How waiting executions are told that they need not wait any longer."""

    def call(self, url: str, content: Document) -> None:
        """Call back; an execution that is gone is ignored."""
        ...


class Notifier(Protocol):
    """A way to tell people of alerts. The same version of an alert may be told more than once."""

    @property
    def channel(self) -> str:
        """The name under which an alert notes that it was told this way."""
        ...

    def notify(self, alert: Alert) -> None:
        """Tell that an alert was raised or resolved; return when the receiver has it.

        Raises:
            RetryableError: the receiver did not answer. PermanentError: it does not take this.
        """
        ...


SolveResult = tuple[ScenarioId, Schedule | SolveFailure]


class Solver(Protocol):
    """Solves scenarios of one problem, one after the other."""

    def solve(
        self,
        problem: Problem,
        scenarios: Mapping[ScenarioId, Scenario],
        scenario_seconds: float,
    ) -> AbstractContextManager[Iterator[SolveResult]]:
        """Wait for a free solver on entering; its results come as they are found, in that order.

        scenario_seconds: how long one may take. Raises, from the results:
            RetryableError: the solver died or was stopped; what came before stands.
        """
        ...


@runtime_checkable
class JointSolver(Protocol):
    """Solves a programme of all scenarios of one problem together."""

    def solve_jointly(
        self,
        problem: Problem,
        scenarios: Sequence[Scenario],
        program: JointProgram,
        seconds: float,
    ) -> AbstractContextManager[Iterator[JointResult | SolveFailure]]:
        """Wait for a free solver on entering; the result is the one that comes.

        scenarios: in the program's order. seconds: how long it may take. Raises, from the result:
            RetryableError: the solver died or was stopped.
        """
        ...


# The solvers that a deployment has, by the names under which assets ask for them.
Solvers = Mapping[Identifier, Solver]


class ScenarioWatch(Protocol):
    """Sees scenarios being solved, for traces and logs; no outcome depends on it."""

    def __call__(
        self, results: Iterator[SolveResult], pending: Sequence[ScenarioId], attempt: int
    ) -> Iterator[SolveResult]:
        """Return the same results, as they come.

        pending: the scenarios that are solved, in that order. attempt: the try that this is.
        """
        ...


@dataclass(frozen=True)
class Auction:
    """The exchange's auction of a delivery day, as the exchange tells it.

    published: whether its results are out. ahead: by how much the exchange's clock, by which it
    closes, is ahead of ours. reserve: what is bid, None where it is energy.
    """

    id: str
    open: bool
    closes: datetime
    published: bool = False
    ahead: timedelta = timedelta(0)
    reserve: ReserveProduct | None = None

    def closed_at(self, now: datetime) -> bool:
        """Whether the gate is shut at an instant of our clock."""
        return now + self.ahead >= self.closes


@dataclass(frozen=True)
class Terms:
    """What the exchange says of an auction, for a portfolio in a price area.

    price_min, price_max: None where it takes no orders in the market's currency. currency: of the
    portfolio, None where it is not ours. writable: whether we may send orders there. mtus: starts of
    the contracts that are as long as the market's MTU. most_sold, most_bought: MW of a curve, above
    zero both, None where the portfolio does not trade there.
    """

    price_min: Decimal | None
    price_max: Decimal | None
    currency: str | None
    writable: bool
    mtus: tuple[datetime, ...]
    most_sold: Decimal | None
    most_bought: Decimal | None


@dataclass(frozen=True)
class Judgement:
    """The exchange's reasonability check of an order.

    approved: None while there is no verdict. by: who or what judged. objections: where and why not.
    """

    approved: bool | None
    by: str = ""
    objections: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExchangeOrder:
    """A curve order as it stands at the exchange, its content in our own sign.

    matrix: None where the content is none that we could have sent, as an order for half a day.
    """

    order_id: str
    version: int
    state: str
    comment: str
    matrix: BidMatrix | None


@dataclass(frozen=True)
class ExchangeBlocks:
    """An order of blocks as it stands at the exchange, in our own sign.

    blocks: in order, None where the content is none that we could have sent.
    """

    order_id: str
    version: int
    state: str
    comment: str
    blocks: tuple[BlockOrder, ...] | None


@dataclass(frozen=True)
class ExchangeOrders:
    """All that stands at the exchange for a portfolio and area."""

    curves: ExchangeOrder | None = None
    blocks: tuple[ExchangeBlocks, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing stands."""
        return self.curves is None and not self.blocks

    @property
    def matrix(self) -> BidMatrix | None:
        """What stands as one bid, None where it is none that we could have sent."""
        matrix = None if self.curves is None else self.curves.matrix
        if matrix is None or not self.blocks:
            return matrix
        if len(self.blocks) > 1 or self.blocks[0].blocks is None:
            return None
        return replace(matrix, blocks=self.blocks[0].blocks)


class Exchange(Protocol):
    """A power exchange. A bid is a curve order, and an order of its blocks where it has any.

    Every call may raise ServiceUnavailable (nothing happened) and ExchangeDenied (nor will it
    until a person sees to it). Calls that change something may also raise OutcomeUnknown (it may
    have happened), OrderConflict (it has not: something else stands than the caller took to stand)
    and ExchangeRefused (it has not, because of the content).
    """

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Keep what is read in the context to so many seconds; ServiceUnavailable after that."""
        ...

    def auction(self, market: Market, day: date) -> Auction:
        """Return the auction of a delivery day; raise ExchangeDenied where there is none."""
        ...

    def terms(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> Terms:
        """Return what the exchange says of an auction, for a portfolio in a price area."""
        ...

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        """Return what the exchange's reasonability check says of a standing order."""
        ...

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        """Return what stands for portfolio and area."""
        ...

    def request_for(
        self, auction: Auction, portfolio: Portfolio, step: Step, matrix: BidMatrix, comment: str
    ) -> Document:
        """Return, JSON-ready, what is sent for a step towards a bid.

        Nothing is sent. Raises ExchangeRefused where it cannot be of the exchange's form.
        """
        ...

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new order of a bid's curves."""
        ...

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Replace the curves of a standing order by a bid's."""
        ...

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take a standing curve order back; OrderConflict where it does not stand any more."""
        ...

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new order of a bid's blocks.

        Nothing keeps a second order for the same blocks from standing beside the first.
        """
        ...

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        """Change blocks of a standing order by their names to a bid's, and add those that are new.

        A block that is not named stays as it was: to be rid of one, the order is cancelled.
        """
        ...

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        """Take a standing order of blocks back; OrderConflict where it does not stand any more."""
        ...

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        """Return what an auction came to for portfolio and area, None until it is published."""
        ...
