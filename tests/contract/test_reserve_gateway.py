"""Reserve bid documents on their way: each once, whatever is killed, lost, late or silent."""

from __future__ import annotations

import copy
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from examples import DAY, SINTEF, published, with_asset_fields
from reserve_operator import (
    FI,
    PORTFOLIO,
    Operator,
    acknowledgement,
    id_of,
    reserve_market,
)
from scripted import AREA, Crash, Killing, order_of

from hydrobid.adapters.folder_channel import LARGEST_FILE, FolderChannel
from hydrobid.adapters.memory import MemoryClock, MemoryDocuments
from hydrobid.adapters.reserve_documents import Acknowledgement
from hydrobid.adapters.reserve_gateway import MESSAGES, OutboxGateway
from hydrobid.adapters.reserve_market import GIVEN_UP_AFTER, ReserveMarket
from hydrobid.bootstrap.exchange import exchange_of
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.bootstrap.settings import ExchangeSettings
from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import (
    CorruptDocument,
    ExchangeDenied,
    ExchangeRefused,
    HydrobidError,
    OrderConflict,
    OutcomeUnknown,
    RetryableError,
    ServiceUnavailable,
)
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.market import Market
from hydrobid.domain.messages import CutOffReached, GuardTick
from hydrobid.domain.states import OrderState
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.hold_order import hold_orders, orders_of
from hydrobid.pipeline.read_run import read_run
from hydrobid.schema import ClientInputs

MARKET = reserve_market(FI)


def bid(tick: int, lots: int) -> BidMatrix:
    """A bid that offers so many lots from a price in ticks on, the same in every hour."""
    grid = MARKET.grid(DAY)
    curve = BidCurve((MARKET.min_ticks, tick, MARKET.max_ticks), (0, lots, lots))
    curves = (curve,) * len(grid)
    return BidMatrix(FI, grid, MARKET.price_tick, MARKET.volume_lot, curves)


class Bench:
    """A reserve market whose operator is at the other end of its channel."""

    def __init__(self) -> None:
        self.clock = MemoryClock(datetime(2026, 11, 24, 9, tzinfo=UTC))
        self.documents = MemoryDocuments()
        self.operator = Operator(self.clock, MARKET)
        self.market = self.at(self.operator)
        self.auction = self.market.auction(MARKET, DAY)

    def at(self, channel) -> ReserveMarket:
        gateway = OutboxGateway(self.documents, channel, self.clock, sleep=lambda _: None)
        return ReserveMarket(gateway, self.clock)

    def place(self, matrix: BidMatrix, market: ReserveMarket | None = None) -> None:
        (market or self.market).place(self.auction, PORTFOLIO, matrix, "first")

    def amend(self, matrix: BidMatrix) -> None:
        self.market.amend(self.auction, self.standing().order_id, matrix, "then")

    def standing(self):
        found = self.market.standing_orders(MARKET, DAY, self.auction, PORTFOLIO, FI).curves
        assert found is not None
        return found

    def wait(self, span: timedelta = GIVEN_UP_AFTER) -> None:
        self.clock.advance(span)
        self.clock.advance_real(span)

    def holds(self, matrix: BidMatrix) -> bool:
        """Whether the operator holds these bids and no others."""
        (curve,) = set(matrix.curves)
        offered = (matrix.lot * curve.lots[1], matrix.tick * curve.ticks[1])
        return self.operator.stands == {(start, *offered) for start in matrix.grid.starts()}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_place__lost_on_its_way__after_a_minute_the_next_document_takes_its_place(bench: Bench):
    bench.operator.deaf = True
    with pytest.raises(OutcomeUnknown):
        bench.place(bid(500, 10))
    with pytest.raises(ServiceUnavailable, match="not acknowledged yet"):
        bench.standing()

    bench.wait()
    bench.operator.deaf = False
    assert bench.standing().matrix is None
    bench.amend(bid(500, 10))

    assert bench.standing().matrix == bid(500, 10)
    assert bench.holds(bid(500, 10))


def test_place__that_comes_after_what_took_its_place__is_seen_and_put_right(bench: Bench):
    # Given a document that stays at the endpoint, and another that has taken its place
    late: list[tuple[str, bytes]] = []

    class Slow(Operator):
        def hand_over(self, name: str, content: bytes) -> None:
            late.append((name, content))

    with pytest.raises(OutcomeUnknown):
        bench.place(bid(700, 30), bench.at(Slow(bench.clock, MARKET)))
    bench.wait()
    bench.amend(bid(500, 10))
    assert bench.holds(bid(500, 10))

    # When the endpoint sends it at last
    bench.wait(timedelta(minutes=1))
    bench.operator.hand_over(*late[0])

    # Then what stands is not taken for what was wanted, and one more document mends it
    assert bench.standing().matrix == bid(700, 30)
    bench.amend(bid(500, 10))
    assert bench.standing().matrix == bid(500, 10)
    assert bench.holds(bid(500, 10))


def test_cancel__of_what_may_have_arrived__takes_it_back(bench: Bench):
    bench.operator.silent = True
    with pytest.raises(OutcomeUnknown):
        bench.place(bid(500, 10))
    bench.wait()
    bench.operator.silent = False

    bench.market.cancel(bench.auction, bench.standing().order_id)

    assert bench.operator.stands == set()
    assert bench.market.standing_orders(MARKET, DAY, bench.auction, PORTFOLIO, FI).curves is None


def test_send__two_at_once__the_second_writes_nothing_and_sends_nothing(bench: Bench):
    gateway = OutboxGateway(bench.documents, bench.operator, bench.clock, sleep=lambda _: None)
    bench.place(bid(700, 30))
    sent = id_of(bench.operator.received[0])
    with pytest.raises(OrderConflict, match="sent by somebody else"):
        gateway.send("any", 1, sent, b"<other/>", "")
    assert len(bench.operator.received) == 1


def test_answers__twice_and_against_each_other__an_acceptance_counts(bench: Bench):
    bench.place(bid(500, 10))
    document = id_of(bench.operator.received[0])
    for number in (1, 7):
        duplicate = acknowledgement(document, "A02", "duplicate", number, bench.clock.now())
        bench.operator.drop(duplicate)

    assert bench.standing().matrix == bid(500, 10)
    assert bench.operator.left == 0


def test_answers__of_any_length_and_name__can_be_kept(bench: Bench):
    bench.operator.deaf = True
    with pytest.raises(OutcomeUnknown):
        bench.place(bid(500, 10))
    (path,) = (f"{MESSAGES}/{name}" for name in bench.documents.find(MESSAGES))
    answer = Acknowledgement(path.rpartition("/")[2], accepted=False, words="no " * 1_000_000)
    gateway = OutboxGateway(bench.documents, bench.operator, bench.clock)

    assert gateway._answered("answer\udcff.xml", answer)

    (kept,) = bench.documents.get(path)["answers"]
    assert kept["id"] == "answer?.xml"
    assert len(canonical_json(kept)) < 1000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<half",
        b"<Other/>",
        acknowledgement("7a963d8f-7547-41e5-9bbc-52976f877383", "A01"),
        acknowledgement("../../orders/x", "A01"),
        acknowledgement("__x__", "A01"),
    ],
)
def test_inbox__what_is_not_ours_or_not_whole__is_left_there(bench: Bench, content: bytes):
    bench.operator.drop(content)
    bench.place(bid(500, 10))
    assert bench.standing().matrix == bid(500, 10)
    assert bench.operator.left == 1


def test_bids__larger_than_one_may_be__are_several_at_one_price(bench: Bench):
    bench.place(bid(500, 120))
    hours = len(MARKET.grid(DAY))
    (content,) = bench.operator.received
    elements = ET.fromstring(content).iter()
    quantities = [e.text for e in elements if e.tag.endswith("}quantity.quantity")]
    assert quantities == ["5", "5", "2.0"] * hours
    assert bench.standing().matrix == bid(500, 120)


def test_bids__more_than_a_document_holds__are_refused_unsent(bench: Bench):
    with pytest.raises(ExchangeRefused, match="2000 at most"):
        bench.place(bid(500, 50 * 90))
    assert bench.operator.received == []


def offers(document) -> set[tuple[datetime, Decimal, Decimal]]:
    """Return start, MW and price of each step of a bid."""
    matrix = BidMatrix.from_document(document)
    return {
        (start, matrix.lot * (lots - below), matrix.tick * tick)
        for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True)
        for tick, lots, below in zip(curve.ticks, curve.lots, (0, *curve.lots), strict=False)
        if lots > below
    }


DOCUMENTS, CHANNEL = ("commit", "transact"), ("hand_over", "take")


def reserve_run(inputs: ClientInputs) -> InProcessPipeline:
    """The SINTEF example bid by its water values, on a market of reserves."""
    document = copy.deepcopy(
        with_asset_fields(inputs, method={"name": "water_value"}).configuration
    )
    document["configuration"]["market"] |= {
        "mtu_minutes": 60,
        "interpolation": "step",
        "price_min": "0",
        "price_max": "10000",
        "price_tick": "0.01",
        "reserve": {"sender": "44X-00000000000A", "bid_max": "1000"},
    }
    return published(ClientInputs(document, inputs.scenario_sets))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", [DOCUMENTS, CHANNEL])
def test_pipeline__killed_at_every_step_of_sending__one_bid_stands(
    sintef_inputs: ClientInputs, kind: tuple[str, ...], after: bool
):
    for number in range(1, 40):
        pipeline = reserve_run(sintef_inputs)
        operator = Operator(pipeline.clock, MARKET)
        plan = pipeline.plan(SINTEF, DAY).plan
        pipeline.solve(plan)
        documents, channel = pipeline.documents, operator
        killing = Killing(documents if kind is DOCUMENTS else channel, kind, number, after=after)

        def exchange(documents=documents, channel=channel, clock=pipeline.clock) -> ReserveMarket:
            gateway = OutboxGateway(documents, channel, clock, sleep=lambda _: None)
            return ReserveMarket(gateway, clock)

        # Given a process that dies at one step of its way
        given = (killing, channel) if kind is DOCUMENTS else (documents, killing)
        pipeline.exchange = exchange(*given)
        try:
            pipeline.deliver()
        except Crash:
            crashed = True
        except HydrobidError:
            crashed = False
        else:
            crashed = False
        if killing.left > 0:
            return  # it has as many steps, and no more
        assert crashed

        # When others look at it until its gate
        pipeline.exchange = exchange()
        cut_off = CutOffReached(client=SINTEF, run=plan.run, cut_off="submission")
        for _ in range(6):
            pipeline.clock.advance(GIVEN_UP_AFTER)
            pipeline.clock.advance_real(timedelta(minutes=2))
            with suppress(RetryableError):
                pipeline.handle(cut_off)

        # Then the operator holds what was approved, once
        view = read_run(pipeline.documents, plan.run)
        order = order_of(view)
        assert order.state is OrderState.STANDING
        assert order.standing is not None
        assert order.standing.matrix == view.areas[AREA].matrix
        assert operator.stands == offers(get_blob(pipeline.documents, order.standing.matrix))
        ids = [id_of(content) for content in operator.received]
        assert len(ids) == len(set(ids))
    raise AssertionError("it has more steps than were tried")


def test_pipeline__withdrawn_at_the_desk__the_operator_holds_nothing(sintef_inputs: ClientInputs):
    pipeline = reserve_run(sintef_inputs)
    operator = Operator(pipeline.clock, MARKET)
    gateway = OutboxGateway(pipeline.documents, operator, pipeline.clock, sleep=lambda _: None)
    pipeline.exchange = ReserveMarket(gateway, pipeline.clock)
    view = pipeline.run(SINTEF, DAY)
    assert operator.stands

    orders = orders_of(pipeline.documents, pipeline.clock, DAY, AREA)
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    hold_orders(*ports, orders, HoldKind.WITHDRAWN, Act(by="anna", reason="unit 2 is out"))
    pipeline.deliver()
    pipeline.handle(GuardTick(client=SINTEF))

    assert operator.stands == set()
    assert order_of(read_run(pipeline.documents, view.plan.run)).state is OrderState.WITHDRAWN


def test_folder__a_document_goes_out_whole_and_its_answer_is_taken(tmp_path: Path, bench: Bench):
    folder = FolderChannel(tmp_path / "endpoint")
    market = bench.at(folder)
    outbox, inbox = tmp_path / "endpoint" / "outbox", tmp_path / "endpoint" / "inbox"
    with pytest.raises(OutcomeUnknown):
        bench.place(bid(500, 10), market)

    # The endpoint empties the outbox, and puts the answer beside what is still being written
    (sent,) = outbox.iterdir()
    document = id_of(sent.read_bytes())
    assert sent.name == f"{document}.xml"
    sent.unlink()
    (inbox / ".answer.xml.part").write_bytes(b"<half")
    (inbox / "answer.xml").write_bytes(acknowledgement(document, "A01"))

    standing = market.standing_orders(MARKET, DAY, bench.auction, PORTFOLIO, FI).curves
    assert standing is not None
    assert standing.matrix == bid(500, 10)
    assert [path.name for path in inbox.iterdir()] == [".answer.xml.part"]
    assert (tmp_path / "endpoint" / "taken" / "answer.xml").exists()
    assert list((tmp_path / "endpoint" / "drafts").iterdir()) == []


def test_folder__what_is_too_large_is_not_read(tmp_path: Path):
    folder = FolderChannel(tmp_path)
    assert list(folder.arrived()) == []
    with (tmp_path / "inbox" / "huge.xml").open("wb") as file:
        os.truncate(file.fileno(), LARGEST_FILE + 1)
    (tmp_path / "inbox" / "small.xml").write_bytes(b"x")
    assert list(folder.arrived()) == [("small.xml", b"x")]


def test_folder__that_is_a_file__nothing_is_sent(tmp_path: Path, bench: Bench):
    root = tmp_path / "endpoint"
    root.write_text("no folder")
    with pytest.raises(ServiceUnavailable, match="cannot be"):
        bench.place(bid(500, 10), bench.at(FolderChannel(root)))


def test_exchange_of__reserves_without_a_folder__are_denied_and_energy_is_not(tmp_path: Path):
    clock = MemoryClock(datetime(2026, 11, 24, 9, tzinfo=UTC))
    settings = ExchangeSettings(
        exchange_url="http://127.0.0.1:1",
        exchange_token_url="http://127.0.0.1:1",
        exchange_credentials=f"file:{tmp_path / 'account.json'}",
    )
    exchange = exchange_of(settings, MemoryDocuments(), clock)
    with pytest.raises(ExchangeDenied, match="HYDROBID_RESERVE_FOLDER"):
        exchange.auction(MARKET, DAY)
    with pytest.raises(ExchangeDenied, match="no account at the exchange"):
        exchange.auction(MARKET.model_copy(update={"reserve": None}), DAY)

    with_folder = settings.model_copy(update={"reserve_folder": tmp_path / "endpoint"})
    auction = exchange_of(with_folder, MemoryDocuments(), clock).auction(MARKET, DAY)
    assert (auction.open, auction.reserve) == (True, MARKET.reserve)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interpolation": "linear"}, "interpolation step"),
        ({"price_min": Decimal(-500)}, "price_min 0 or more"),
        ({"currency": "NOK"}, "reserve.currency as currency"),
    ],
)
def test_market__of_reserves_that_cannot_be_bid_so(changes, words: str):
    with pytest.raises(CorruptDocument, match=words):
        Market.from_document(MARKET.model_copy(update=changes).to_document())
