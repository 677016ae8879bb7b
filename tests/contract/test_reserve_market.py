"""A second market behind the exchange port: reserve bid documents, as Fingrid takes them for FCR-N.

The figures of the public example are those of developers.fingrid.fi, FCR, document structure.
"""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from examples import DAY, SINTEF, published
from reserve_operator import (
    FI,
    PORTFOLIO,
    PRODUCT,
    Operator,
    acknowledgement,
    allocation,
    reserve_market,
)
from scripted import order_of

from hydrobid.adapters.exchange_by_market import ExchangeByMarket
from hydrobid.adapters.memory import MemoryClock, MemoryDocuments
from hydrobid.adapters.reserve_documents import (
    ReserveBid,
    acknowledgement_in,
    allocation_in,
    bid_document,
    bids_in,
)
from hydrobid.adapters.reserve_gateway import OutboxGateway
from hydrobid.adapters.reserve_market import ReserveMarket
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import (
    CorruptDocument,
    ExchangeRefused,
    OrderConflict,
    OutcomeUnknown,
    ServiceUnavailable,
)
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.market import GateClosure
from hydrobid.domain.messages import ResultsDue
from hydrobid.domain.states import OrderState, RunState
from hydrobid.domain.time import MtuGrid
from hydrobid.pipeline.read_results import result_of
from hydrobid.schema import ClientInputs

MARKET = reserve_market(FI, PriceArea("NO2"))
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def fields(content: bytes) -> dict[str, str]:
    """Return the text of every element by its local name; of a name that repeats, the last."""
    return {
        element.tag.rpartition("}")[2]: (element.text or "").strip()
        for element in ET.fromstring(content).iter()
    }


def bid(day: date, *steps: tuple[int, int]) -> BidMatrix:
    """A bid that offers so many lots from each price in ticks on, the same in every hour."""
    market, grid = MARKET, MARKET.grid(day)
    ticks = (market.min_ticks, *(tick for tick, _ in steps), market.max_ticks)
    lots = (0, *(lots for _, lots in steps), steps[-1][1])
    curves = (BidCurve(ticks, lots),) * len(grid)
    return BidMatrix(FI, grid, market.price_tick, market.volume_lot, curves)


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(datetime(2026, 3, 28, 9, tzinfo=UTC))


@pytest.fixture
def operator(clock: MemoryClock) -> Operator:
    return Operator(clock, MARKET)


def reserves(operator: Operator, documents: MemoryDocuments) -> ReserveMarket:
    """The market over a gateway that does not wait for answers which are not there."""
    clock = operator.clock
    return ReserveMarket(OutboxGateway(documents, operator, clock, sleep=lambda _: None), clock)


@pytest.fixture
def market(operator: Operator) -> ReserveMarket:
    return reserves(operator, MemoryDocuments())


def standing(market: ReserveMarket, day: date = SPRING):
    auction = market.auction(MARKET, day)
    return market.standing_orders(MARKET, day, auction, PORTFOLIO, FI).curves


def test_document__of_the_public_example():
    start = datetime(2025, 6, 30, 1, tzinfo=UTC)
    one = ReserveBid(
        "3490160eaf394fdda4ec7a20a40b2666",
        start,
        start + timedelta(hours=1),
        Decimal("1.0"),
        Decimal("23.49"),
    )
    created = datetime(2025, 6, 29, 14, 30, 57, tzinfo=UTC)

    content = bid_document(
        PRODUCT, "7fd5112e-927b-483b-8f56-8057a2a16666", created, MtuGrid(start, 60, 1), [one]
    )

    assert bids_in(content) == [one]
    told = fields(content)
    assert {name: told[name] for name in EXAMPLE} == EXAMPLE


EXAMPLE = {
    "revisionNumber": "1",
    "type": "A24",
    "process.processType": "A52",
    "sender_MarketParticipant.marketRole.type": "A46",
    "receiver_MarketParticipant.mRID": "10X1001A1001A264",
    "receiver_MarketParticipant.marketRole.type": "A04",
    "createdDateTime": "2025-06-29T14:30:57Z",
    "start": "2025-06-30T01:00Z",
    "end": "2025-06-30T02:00Z",
    "domain.mRID": "10YFI-1--------U",
    "subject_MarketParticipant.marketRole.type": "A46",
    "mRID": "3490160eaf394fdda4ec7a20a40b2666",
    "auction.mRID": "FCR",
    "businessType": "C26",
    "acquiring_Domain.mRID": "10YFI-1--------U",
    "currency_Unit.name": "EUR",
    "divisible": "A01",
    "flowDirection.direction": "A03",
    "marketAgreement.type": "A13",
    "resolution": "PT60M",
    "position": "1",
    "quantity.quantity": "1.0",
    "price.amount": "23.49",
}


def test_acknowledgement__of_the_public_examples():
    good = acknowledgement_in(acknowledgement("7a963d8f-7547-41e5-9bbc-52976f877383", "A01"))
    assert (good.document, good.accepted) == ("7a963d8f-7547-41e5-9bbc-52976f877383", True)
    words = "Message was received after deadline, GateClosure."
    late = acknowledgement_in(acknowledgement("1aeddd9a", "A02", words))
    assert (late.accepted, late.words) == (False, words)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html/>",
        b"<Acknowledgement_MarketDocument/>",
        (
            b'<!DOCTYPE a [<!ENTITY b "c">]><Acknowledgement_MarketDocument>&b;'
            b"</Acknowledgement_MarketDocument>"
        ),
    ],
)
def test_acknowledgement__that_is_none_or_hostile(content: bytes):
    with pytest.raises(CorruptDocument):
        acknowledgement_in(content)


@pytest.mark.parametrize("damage", ["1.0", '<Pos v="2"/>', "2026-03-28T23:00Z/"])
def test_allocation__that_is_damaged(damage: str):
    grid = MARKET.grid(SPRING)
    content = allocation(grid, ["1.0"] * len(grid), ["5"] * len(grid)).decode()
    assert damage in content
    with pytest.raises(CorruptDocument):
        allocation_in(
            content.replace(damage, damage.replace("1.0", "many").replace("2", "9")).encode()
        )


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (date(2026, 3, 30), 24), (AUTUMN, 25)])
def test_place__one_bid_for_each_step_of_each_hour(
    market: ReserveMarket, operator, day, hours: int
):
    auction = market.auction(MARKET, day)
    market.place(auction, PORTFOLIO, bid(day, (500, 10), (2349, 25)), "first")

    (content,) = operator.received
    bids = bids_in(content)
    assert [(b.quantity, b.price) for b in bids[:2]] == [
        (Decimal("1.0"), Decimal("5.00")),
        (Decimal("1.5"), Decimal("23.49")),
    ]
    assert len({b.id for b in bids}) == 2 * hours
    assert (bids[0].start, bids[-1].end) == (MARKET.grid(day).start, MARKET.grid(day).end)
    found = standing(market, day)
    assert found is not None
    assert (found.matrix, found.comment, found.version) == (
        bid(day, (500, 10), (2349, 25)),
        "first",
        1,
    )


def test_amend__keeps_ids_and_takes_back_what_is_gone(market: ReserveMarket, operator):
    auction = market.auction(MARKET, SPRING)
    market.place(auction, PORTFOLIO, bid(SPRING, (500, 10), (2349, 25)), "first")
    first = standing(market)
    assert first is not None

    market.amend(auction, first.order_id, bid(SPRING, (600, 12)), "second")

    before, after = map(bids_in, operator.received)
    assert {b.id for b in after} == {b.id for b in before}
    assert [b.quantity for b in after].count(Decimal(0)) == 23
    second = standing(market)
    assert second is not None
    assert (second.matrix, second.version) == (bid(SPRING, (600, 12)), 2)


def test_cancel__everything_is_taken_back_and_may_be_bid_again(market: ReserveMarket):
    auction = market.auction(MARKET, SPRING)
    market.place(auction, PORTFOLIO, bid(SPRING, (500, 10)), "first")
    first = standing(market)
    assert first is not None
    with pytest.raises(OrderConflict):
        market.place(auction, PORTFOLIO, bid(SPRING, (500, 10)), "twice")

    market.cancel(auction, first.order_id)

    assert standing(market) is None
    with pytest.raises(OrderConflict):
        market.cancel(auction, first.order_id)
    market.place(auction, PORTFOLIO, bid(SPRING, (700, 5)), "again")
    assert standing(market) is not None


def test_place__unacknowledged_nothing_is_known_until_the_answer_comes(market, operator):
    operator.silent = True
    auction = market.auction(MARKET, SPRING)
    with pytest.raises(OutcomeUnknown):
        market.place(auction, PORTFOLIO, bid(SPRING, (500, 10)), "first")
    with pytest.raises(ServiceUnavailable):
        standing(market)
    operator.answer_all()
    assert standing(market) is not None


def test_place__rejected_in_the_operators_words(market: ReserveMarket, operator):
    operator.rejecting = "Portfolio limit exceeded"
    with pytest.raises(ExchangeRefused, match="Portfolio limit exceeded"):
        market.place(market.auction(MARKET, SPRING), PORTFOLIO, bid(SPRING, (500, 10)), "first")
    operator.rejecting = ""
    assert standing(market) is None


def test_place__what_is_no_reserve_or_comes_after_the_gate(market: ReserveMarket, clock):
    auction = market.auction(MARKET, SPRING)
    buys = bid(SPRING, (500, 10))
    curve = BidCurve(buys.curves[0].ticks, (-5, 10, 10))
    buying = BidMatrix(FI, buys.grid, buys.tick, buys.lot, (curve,) * len(buys.grid))
    with pytest.raises(ExchangeRefused, match="sold only"):
        market.place(auction, PORTFOLIO, buying, "buys")
    clock.advance(MARKET.gate(SPRING) - clock.now())
    with pytest.raises(ExchangeRefused, match="gate has closed"):
        market.place(auction, PORTFOLIO, buys, "late")


def test_pipeline__bids_amends_and_fetches_results_through_the_same_port(
    sintef_inputs: ClientInputs,
):
    """A client of a step market by the hour: nothing but its market's rules and the adapter differ."""
    document = copy.deepcopy(sintef_inputs.configuration)
    document["configuration"]["market"] |= {
        "mtu_minutes": 60,
        "interpolation": "step",
        "price_min": "0",
        "price_max": "10000",
        "price_tick": "0.01",
        "reserve": {"sender": PRODUCT.sender, "bid_max": "1000"},
    }
    pipeline = published(ClientInputs(document, sintef_inputs.scenario_sets))
    plan = pipeline.plan(SINTEF, DAY).plan
    rules = MARKET.model_copy(update={"gate_closure": GateClosure(local_time="12:00")})
    operator = Operator(pipeline.clock, rules)
    pipeline.exchange = ExchangeByMarket(pipeline.exchange, reserves(operator, pipeline.documents))

    view = pipeline.run(SINTEF, DAY)

    assert view.state is RunState.SUBMITTED
    order = order_of(view)
    assert order.state is OrderState.STANDING
    assert order.standing is not None
    assert order.standing.matrix == view.areas["NO2"].matrix

    pipeline.clock.advance(plan.cut_offs.gate + timedelta(hours=1) - pipeline.clock.now())
    operator.allocate(DAY, "45.00")
    pipeline.handle(ResultsDue(client=SINTEF))

    result = result_of(pipeline.documents, plan.run.market, DAY, plan.portfolio, PriceArea("NO2"))
    assert result is not None
    assert result.expected is not None
    assert result.published.volumes == pytest.approx(result.expected)
    assert sum(result.published.volumes) > 0
    assert pipeline.documents.find("alerts", code="RESULT_MISMATCH") == {}
