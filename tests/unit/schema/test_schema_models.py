"""A model to solve by itself, with files of prices and inflow beside it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from pyarrow import parquet
from shop_documents import as_bytes, small_case

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.models import read_model
from hydrobid.schema.price_files import PriceChoice, SourceFile

PLAIN = "time,price\n2026-03-28T00:00+01:00,40\n2026-03-28T01:00+01:00,55.5\n2026-03-28T02:00+01:00,-3\n"


def csv(name, text):
    return SourceFile(name, text.encode())


@pytest.fixture
def ours(files):
    return SourceFile("valley.yaml", files["watercourses/valley.yaml"])


@pytest.fixture
def shop():
    return SourceFile("case.yaml", as_bytes(small_case()))


def problems(*args, **kwargs):
    with pytest.raises(InvalidInput) as caught:
        read_model(*args, **kwargs)
    return {(p.document, p.field): (p.value, p.expected) for p in caught.value.problems}


def test_read_model__plain_prices_make_the_horizon(ours):
    model = read_model(ours, csv("prices.csv", PLAIN))

    assert model.prices.tolist() == [40, 55.5, -3]
    assert model.problem.horizon.hours.tolist() == [1, 1, 1]
    assert model.problem.horizon.start == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert model.problem.watercourse.name == "valley"
    assert model.ignored == ()


def test_read_model__times_of_mixed_length_in_any_order(ours):
    rows = "time,eur\n2026-03-28T02:00Z,3\n2026-03-28T00:00Z,1\n2026-03-28T00:15Z,2\n"
    model = read_model(ours, csv("prices.csv", rows))

    assert model.prices.tolist() == [1, 2, 3]
    assert model.problem.horizon.hours.tolist() == [0.25, 1.75, 1.75]


def test_read_model__parquet(ours):
    start = datetime(2026, 3, 28, tzinfo=UTC)
    times = [start + timedelta(minutes=15 * at) for at in range(4)]
    held = io.BytesIO()
    parquet.write_table(pa.table({"time": times, "price": [1.0, 2.0, 3.0, 4.0]}), held)
    model = read_model(ours, SourceFile("prices.parquet", held.getvalue()))

    assert model.prices.tolist() == [1, 2, 3, 4]
    assert model.problem.horizon.starts == tuple(times)


def test_read_model__one_scenario_of_a_profile(ours, files):
    prices = SourceFile("prices.csv", files["scenarios/prices.csv"])
    choice = PriceChoice(scenario="high", day=date(2026, 3, 29))
    model = read_model(ours, prices, choice=choice)

    # The spring day skips 02:00 to 02:45: 92 MTUs, the ninth at 03:00.
    assert len(model.problem.horizon) == 92
    assert model.prices[:9].tolist() == [20 + at / 4 for at in (*range(8), 12)]


def test_read_model__scenario_that_is_not_chosen(ours, files):
    prices = SourceFile("prices.csv", files["scenarios/prices.csv"])

    found = problems(ours, prices)
    assert found["command line", "--scenario"][1] == "one of high, low"
    found = problems(ours, prices, choice=PriceChoice(scenario="low"))
    assert "local times only" in found["command line", "--date"][1]
    found = problems(ours, csv("p.csv", PLAIN), choice=PriceChoice(scenario="low"))
    assert found["command line", "--scenario"] == ("low", "nothing: p.csv has no scenarios")


def test_read_model__shop_brings_its_own_prices(shop):
    model = read_model(shop)

    assert model.prices.tolist() == [40.0] * 6 + [50.0] * 9
    assert model.problem.watercourse.name == "case"
    assert model.ignored == ("commands[0]",)


def test_read_model__prices_over_shops_horizon(shop):
    rows = "time,price\n2018-01-22T12:00Z,10\n2018-01-23T14:00Z,20\n2018-01-24T00:00Z,30\n"
    model = read_model(shop, csv("prices.csv", rows))

    # 12:00 to 16:00 is one period: half of it at 10, half at 20.
    assert model.prices.tolist() == [10.0] * 12 + [15.0, 20.0, 20.0]


def test_read_model__prices_that_do_not_cover_the_horizon(shop):
    found = problems(shop, csv("p.csv", PLAIN))

    value, expected = found["p.csv", "time"]
    assert value == "2026-03-27T23:00Z to 2026-03-28T02:00Z"
    assert expected == "prices for all of 2018-01-23T00:00Z to 2018-01-24T00:00Z"


def test_read_model__inflows(ours):
    rows = "time,Upper\n2026-03-28T00:30+01:00,8\n2026-03-28T02:00+01:00,6\n"
    model = read_model(ours, csv("prices.csv", PLAIN), csv("inflow.csv", rows))

    assert model.problem.inflow["Upper"].tolist() == [4.0, 8.0, 6.0]
    assert model.problem.inflow["Lower"].tolist() == [12.5] * 3


def test_read_model__no_prices(ours):
    assert problems(ours)["command line", "--prices"][1] == "a file of prices: valley.yaml has none"


def test_read_model__every_file_is_looked_at(files):
    broken = files["watercourses/valley.yaml"].replace(b"inflow: 12.5", b"inflow: much")
    found = problems(
        SourceFile("valley.yaml", broken), csv("prices.csv", PLAIN.replace("55.5", "dear"))
    )

    assert found["valley.yaml", "reservoirs.Lower.inflow"][0] == "much"
    assert found["prices.csv", "row 3, price"][0] == "dear"


@pytest.mark.parametrize(
    ("old", "new", "field", "expected"),
    [
        ("55.5", "nan", "row 3, price", "between -100000 and 100000"),
        ("55.5", "1e9", "row 3, price", "between -100000 and 100000"),
        ("2026-03-28T01:00+01:00", "01:00", "row 3, time", "an instant, as"),
        ("2026-03-28T01:00+01:00", "2026-03-28T00:00+01:00", "row 3, time", "row 2 has it"),
        ("time,price", "when,price", "header", "a column time"),
        ("time,price", "time,time", "header.time", "each column once"),
        ("55.5", "55.5,1", "row 3", "2 cells"),
        ("time,price", "time,price,area", "row 2", "3 cells"),
    ],
)
def test_read_model__fault_in_prices(ours, old, new, field, expected):
    found = problems(ours, csv("prices.csv", PLAIN.replace(old, new, 1)))

    assert ("prices.csv", field) in found, found
    assert expected in found["prices.csv", field][1]


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("time,Uper\n2026-03-28T00:00Z,8\n", "header.Uper", "Upper perhaps"),
        ("time,Upper\n2026-03-28T00:00Z,-8\n", "row 2, Upper", "between 0 and 100000"),
        ("time,Upper\n", "rows", "1 to 100000 rows"),
    ],
)
def test_read_model__fault_in_inflows(ours, text, field, expected):
    found = problems(ours, csv("prices.csv", PLAIN), csv("inflow.csv", text))

    assert ("inflow.csv", field) in found, found
    assert expected in found["inflow.csv", field][1]


@pytest.mark.parametrize("content", [b"- 1", b"just text", b""])
def test_read_model__no_model(content):
    found = problems(SourceFile("model.yaml", content), csv("prices.csv", PLAIN))

    assert "a watercourse, or a SHOP case" in found["model.yaml", "content"][1]


def test_read_model__other_file(ours):
    found = problems(ours, csv("prices.xlsx", PLAIN))

    assert found["prices.xlsx", "name"][1] == "a file that ends in .csv or .parquet"
