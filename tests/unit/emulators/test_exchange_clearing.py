"""What orders get at given prices: interpolation, lots, limits, and which blocks are accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from exchange_venue import BUY_THEN_SELL, market_rules

from emulators.exchange.clearing import PricedContracts
from emulators.exchange.market import Auction, Contract
from emulators.exchange.orders import Block, Curve, CurvePoint, Period

START = datetime(2026, 3, 28, 23, tzinfo=UTC)


def auction(units: int = 4) -> Auction:
    """An auction of one hour or more, with quarter-hours `q1, q2, ...` and the hours `h1, ...`."""

    def contract(name: str, first: int, count: int) -> Contract:
        begin = START + timedelta(minutes=15 * first)
        return Contract(name, begin, begin + timedelta(minutes=15 * count))

    quarters = tuple(contract(f"q{n + 1}", n, 1) for n in range(units))
    hours = tuple(contract(f"h{n + 1}", 4 * n, 4) for n in range(units // 4))
    return Auction("DA", "DA", START, START, START, quarters, hours)


def priced(*prices: float, **results) -> PricedContracts:
    rules = market_rules(results=results)
    given = [Decimal(repr(price)) for price in prices]
    return PricedContracts.of(auction(len(prices)), rules, given)


def curve(points=BUY_THEN_SELL, contract: str = "q1") -> Curve:
    return Curve(contract, tuple(CurvePoint(*point) for point in points))


def block(name: str = "b", *periods: tuple[str, float], price: float = 50.0, **fields) -> Block:
    least = fields.pop("least", 1.0)
    periods = periods or (("q1", -10.0), ("q2", -10.0))
    return Block(name, price, least, tuple(Period(*period) for period in periods), **fields)


@pytest.mark.parametrize(
    ("price", "volume"),
    [
        (-500, 50),
        (50, 50),
        (50.05, 25),
        (50.1, 0),
        (55, 0),
        (55.05, -5),  # the exchange's own example
        (55.1, -10),
        (60.02, -14),
        (4000, -30),
    ],
)
def test_curve__is_linear_between_its_points(price: float, volume: float):
    assert priced(price, 0, 0, 0).curve(curve()) == Decimal(repr(volume))


def test_curve__comes_to_whole_lots_with_halves_away_from_zero():
    slope = curve([(-500, 0), (0, 0), (10, -1), (4000, -1)])
    found = [priced(p, 0, 0, 0).curve(slope) for p in (0.4, 0.5, 1.5, 9.4)]
    assert found == [Decimal(text) for text in ("0.0", "-0.1", "-0.2", "-0.9")]


def test_curve__of_an_hour_is_read_at_the_mean_of_its_quarters():
    assert priced(55.0, 55.0, 55.1, 55.1).curve(curve(contract="h1")) == Decimal("-5.0")


@pytest.mark.parametrize(
    ("price", "points", "volume"),
    [
        (-500, [(-500, -40), (4000, -40)], "-10.0"),  # sellers are the long side at the minimum
        (-500, [(-500, 40), (4000, 40)], "40.0"),
        (4000, [(-500, 40), (4000, 40)], "10.0"),  # buyers at the maximum
        (4000, [(-500, -40), (4000, -40)], "-40.0"),
    ],
)
def test_curve__at_a_limit_the_long_side_gets_its_share(price, points, volume):
    cleared = priced(price, 0, 0, 0, accepted_at_limits="0.25")
    assert cleared.curve(curve(points)) == Decimal(volume)


@pytest.mark.parametrize(
    ("prices", "share"),
    [((40, 61), 1), ((40, 60), 0.5), ((40, 59), 0)],
)
def test_block__by_the_mean_price_of_its_contracts(prices, share: float):
    found = priced(*prices, 0, 0).blocks([block(least=0.5)])
    expected = {"b": {"q1": Decimal(repr(-10 * share)), "q2": Decimal(repr(-10 * share))}}
    assert found == (expected if share else {})


def test_block__that_buys_is_accepted_below_its_price():
    buys = block("b", ("q1", 10.0), ("q2", 10.0))
    assert priced(40, 59, 0, 0).blocks([buys])["b"]["q1"] == 10
    assert priced(40, 61, 0, 0).blocks([buys]) == {}


def test_block__profiled_weighs_prices_by_volume():
    # 10 MW at 40 and 30 MW at 54: 50.5 on average, though the plain mean is 47.
    profiled = block("b", ("q1", -10.0), ("q2", -30.0))
    assert set(priced(40, 54, 0, 0).blocks([profiled])) == {"b"}


def linked(parent_price: float, child_price: float, **child) -> list[Block]:
    return [
        block("parent", ("q1", -10.0), price=parent_price),
        block("child", ("q2", -10.0), price=child_price, linked_to="parent", **child),
    ]


@pytest.mark.parametrize(
    ("parent", "child", "accepted"),
    [
        (45, 45, {"parent", "child"}),
        (45, 55, {"parent"}),  # a leaf that loses is left out
        (55, 55, set()),
        (52, 45, {"parent", "child"}),  # the child gains 5 where the parent loses 2
        (58, 45, set()),  # more than it gains
    ],
)
def test_linked__only_with_the_parent_which_a_child_may_save(parent, child, accepted):
    assert set(priced(50, 50, 0, 0).blocks(linked(parent, child))) == accepted


def test_linked__no_further_than_the_parent():
    parent = block("parent", ("q1", -10.0), least=0.5)  # at the money: half of it
    half = block("half", ("q2", -10.0), price=40, linked_to="parent", least=0.5)
    whole = block("whole", ("q2", -10.0), price=50, linked_to="parent")
    found = priced(50, 50, 0, 0).blocks([parent, whole])
    assert found == {"parent": {"q1": Decimal("-5.0")}}
    saved = priced(50, 50, 0, 0).blocks([parent, half])
    assert saved == {"parent": {"q1": Decimal(-10)}, "half": {"q2": Decimal(-10)}}


def test_exclusive_group__the_one_that_gains_most_with_what_is_linked_to_it():
    group = [
        block("a", ("q1", -10.0), price=40, exclusive_group="g"),
        block("b", ("q2", -10.0), price=45, exclusive_group="g"),
        block("c", ("q1", -10.0), price=55, exclusive_group="g"),
    ]
    assert set(priced(50, 50, 0, 0).blocks(group)) == {"a"}
    child = block("child", ("q3", -20.0), price=40, exclusive_group="g", linked_to="b")
    assert set(priced(50, 50, 50, 0).blocks([*group, child])) == {"b", "child"}
    assert set(priced(30, 30, 30, 0).blocks(group)) == set()


@pytest.mark.parametrize(("night", "day", "accepted"), [(20, 50, True), (40, 50, False)])
def test_spread__both_or_none_by_the_difference(night, day, accepted: bool):
    buys = block("buys", ("q1", 10.0), price=30, linked_to="sells", is_spread_block=True)
    sells = block("sells", ("q2", -10.0), price=45, linked_to="buys", is_spread_block=True)
    found = priced(night, day, 0, 0).blocks([buys, sells])
    assert set(found) == ({"buys", "sells"} if accepted else set())
