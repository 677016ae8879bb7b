"""Files of series: what is taken, and what is refused with the place, the value and what would be right."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from pyarrow import parquet

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.series import SeriesKind
from hydrobid.domain.time import utc_text
from hydrobid.schema import ClientInputs, configuration_of, read_client
from hydrobid.schema.price_files import SourceFile
from hydrobid.schema.pushed_series import kind_in, series_in_file, steps_in
from hydrobid.schema.tables import INFLOWS

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 11, 24, 23, tzinfo=UTC)


@pytest.fixture
def inputs(files) -> ClientInputs:
    return read_client(files, "small-client")


def read(inputs: ClientInputs, kind: str, text: str, name: str = "pushed.csv"):
    file = SourceFile(name, text.encode())
    return series_in_file(kind_in(SeriesKind(kind), file), file, inputs)


def problems(inputs: ClientInputs, kind: str, text: str, name: str = "pushed.csv") -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        read(inputs, kind, text, name)
    return [str(problem) for problem in raised.value.problems]


def table(header: str, *values: float, start: datetime = MIDNIGHT) -> str:
    rows = [f"{utc_text(start + n * HOUR)},{value}" for n, value in enumerate(values)]
    return "\n".join([f"time,{header}", *rows, ""])


@pytest.mark.parametrize(
    ("kind", "header", "unit"),
    [
        ("levels", "Upper", "m"),
        ("levels", "Upper [m]", "m"),
        ("levels", "Upper[Mm3]", "Mm3"),
        ("inflows", "Lower [m3/s]", "m3/s"),
        ("obligations", "valley", "MW"),
    ],
)
def test_table__each_kind_has_its_units(inputs, kind, header, unit):
    values = (120.0, 121.0) if unit == "m" else (20.0, 21.0)

    found = read(inputs, kind, table(header, *values))

    (name,) = found.names
    assert steps_in(found.content, name)[0] == unit
    assert steps_in(found.content, name)[1].values == values


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (
            "levels",
            table("Uper", 120),
            "header.Uper is 'Uper'; expected a reservoir of one asset: Upper",
        ),
        ("levels", table("Upper [cm]", 120), "is 'cm'; expected a unit of levels: m, Mm3"),
        ("levels", table("Upper", 12000), "is 12000.0; expected 100 to 135 m"),
        ("levels", "time,Upper [m],Upper\n2026-11-25T00:00Z,120,121\n", "each element once"),
        ("inflows", table("Upper", -1), "is -1.0; expected 0 to 100000 m3/s"),
        ("obligations", table("valley", 40_000), "is 40000.0; expected -80 to 80 MW"),
        ("levels", "time,Upper\n2026-11-25T00:00,120\n", "row 2, time is '2026-11-25T00:00'"),
        (
            "levels",
            "time,Upper\n2026-11-25T00:00Z,120\n2026-11-25T01:00+01:00,121\n",
            "each time once",
        ),
        ("levels", "time,Upper\n2026-11-25T00:00Z,n.a.\n", "row 2, Upper is 'n.a.'"),
        ("levels", "Upper\n120\n", "a column time"),
    ],
)
def test_table__what_is_wrong_is_named(inputs, kind, text, problem):
    assert problem in "\n".join(problems(inputs, kind, text))


def test_table__a_reservoir_of_two_assets__is_nobodys(files):
    text = (
        files["client.yaml"]
        .decode()
        .replace(
            "scenario_sets:",
            "  - {asset: twin, price_area: NO2, scenario_set: prices, watercourse: watercourses/twin.yaml}\n"
            "scenario_sets:",
        )
    )
    twin = files["watercourses/valley.yaml"].replace(b"watercourse: valley", b"watercourse: twin")
    inputs = read_client(
        {**files, "client.yaml": text.encode(), "watercourses/twin.yaml": twin}, "small-client"
    )

    assert "there is none" in problems(inputs, "levels", table("Upper", 120))[0]
    read(inputs, "obligations", table("twin", 12))


def test_gaps__a_regular_series_with_a_hole__is_refused_and_an_irregular_one_is_not(inputs):
    rows = table("Lower", *range(10)).splitlines()
    gap = "\n".join([*rows[:5], *rows[7:], ""])
    irregular = "\n".join([rows[0], rows[1], rows[2], rows[5], rows[10], ""])

    (problem,) = problems(inputs, "inflows", gap)
    assert "time.2026-11-25T03:00:00Z is '2 values missing'" in problem
    assert "expected a value every 60 minutes" in problem
    read(inputs, "inflows", irregular)
    # Of levels the last one counts, however long before it the others were.
    gap_of_levels = gap.replace("Lower", "Upper [Mm3]")
    read(inputs, "levels", gap_of_levels)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 25), 24)]
)
def test_gaps__days_of_clock_changes_have_their_own_hours(inputs, day, hours):
    market = configuration_of(inputs.configuration).market
    start = market.grid(day).start
    whole = table("Lower", *range(hours), start=start)
    rows = whole.splitlines()
    # What a file has whose writer counts 24 local hours: without the second of two, or none at two.
    without = "\n".join([*rows[:4], *rows[5:], ""])

    read(inputs, "inflows", whole)
    (problem,) = problems(inputs, "inflows", without)

    assert "1 values missing" in problem
    changes = "through the change of the clock" in problem
    assert changes == (hours == 25)


def dated(scenario: str, times: list[datetime], first: float = 40.0) -> str:
    return "".join(f"{scenario},NO2,{utc_text(t)},{first + n}\n" for n, t in enumerate(times))


HEADER = "scenario,price_area,time,price\n"


def test_prices__a_gap_between_days_or_in_one_scenario__is_refused(inputs):
    quarters = [MIDNIGHT + n * HOUR / 4 for n in range(96)]
    hourly = [quarters[-1] + HOUR / 4 + n * HOUR for n in range(24)]
    read(inputs, "prices", HEADER + dated("low", quarters + hourly))

    (problem,) = problems(inputs, "prices", HEADER + dated("low", quarters[:8] + quarters[16:]))
    assert "prices.NO2.2026-11-25T01:00:00Z is '8 values missing'" in problem

    uneven = HEADER + dated("low", quarters) + dated("high", quarters[:-3])
    (problem,) = problems(inputs, "prices", uneven)
    assert "high is '3 missing'" in problem


def test_prices__a_set_has_to_be_named_where_there_are_several(inputs):
    many = ClientInputs(inputs.configuration, {**inputs.scenario_sets, "other": {}})
    assert "scenario_set is None; expected a scenario set" in problems(many, "prices", HEADER)[0]


def test_spikes__one_value_sticks_out_of_either_kind_of_series(inputs):
    values = [10 + n % 3 for n in range(48)]
    smooth = read(inputs, "inflows", table("Lower", *values))
    spiked = read(inputs, "inflows", table("Lower", *values[:20], 900, *values[21:]))
    ends_high = read(inputs, "inflows", table("Lower", *values[:-1], 900))

    assert smooth.spikes == ()
    ((name, spike),) = spiked.spikes
    assert name == "Lower"
    assert (spike.field, spike.value) == (f"Lower.{utc_text(MIDNIGHT + 20 * HOUR)}", 900.0)
    # A forecast may rise at its end; of what is measured the end is all that counts.
    assert ends_high.spikes == ()


def test_spikes__prices_that_hold_for_an_hour_are_none(inputs):
    quarters = [MIDNIGHT + n * HOUR / 4 for n in range(96)]
    hours = [40 + 5 * (n // 4 % 7) for n in range(96)]
    rows = [f"low,NO2,{utc_text(t)},{p}\n" for t, p in zip(quarters, hours, strict=True)]
    assert read(inputs, "prices", HEADER + "".join(rows)).spikes == ()
    rows[50] = rows[50].rpartition(",")[0] + ",3999\n"
    ((name, spike),) = read(inputs, "prices", HEADER + "".join(rows)).spikes
    assert (name, spike.value) == ("prices", 3999.0)


def test_content__is_the_same_however_the_table_was_typed(inputs):
    first = read(inputs, "levels", "time,Upper [m]\n2026-11-25T00:00Z,120\n2026-11-25T01:00Z,121\n")
    again = read(
        inputs, "levels", "time,Upper\n2026-11-25T02:00+01:00,121.0\n2026-11-25T00:00Z,120.0\n"
    )
    assert first.content == again.content
    assert first.names == (Identifier("Upper"),)


def test_content__of_prices_does_not_depend_on_the_files_name(inputs):
    text = HEADER + dated("low", [MIDNIGHT + n * HOUR / 4 for n in range(96)])
    assert (
        read(inputs, "prices", text, "a.csv").content
        == read(inputs, "prices", text, "b.csv").content
    )


# --- scenarios of inflow ---

QUARTERS = tuple(f"{at // 4:02}:{at % 4 * 15:02}" for at in range(96))
INSTANTS = tuple(utc_text(MIDNIGHT + n * HOUR / 4) for n in range(96))


def inflow_rows(names=("low", "high"), reservoir="Upper", times=QUARTERS) -> list[list[object]]:
    values = [5 + at / 100 for at in range(len(times))]
    return [
        [name, reservoir, time, value]
        for name in names
        for time, value in zip(times, values, strict=True)
    ]


def inflows(rows: list[list[object]]) -> str:
    header = "scenario,inflow,time,value"
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""])


def test_inflows__with_scenarios_are_of_a_scenario_set(inputs):
    listed = [dict(zip(INFLOWS.required, row, strict=True)) for row in inflow_rows()]
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(listed), sink)

    found = read(inputs, "inflows", inflows(inflow_rows()))

    assert (found.kind, found.names) == (SeriesKind.SCENARIO_INFLOWS, ("prices",))
    assert found.spikes == ()
    stored = found.content["series"]["prices"]
    assert stored["scenarios"] == inputs.scenario_sets["prices"]["scenarios"]
    assert [row[0] for row in stored["inflows"]["series"]["Upper"]["values"]] == [5, 5]
    assert read(inputs, "inflows", json.dumps(listed), "again.json").content == found.content
    file = SourceFile("again.parquet", sink.getvalue())
    kind = kind_in(SeriesKind.INFLOWS, file)
    assert series_in_file(kind, file, inputs).content == found.content


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (inflow_rows(names=("low",)), "scenario.high is 'nothing'; expected the 2 scenarios of"),
        (inflow_rows(names=("low", "high", "x")), "scenario.x is 'x'; expected the 2 scenarios of"),
        (inflow_rows(reservoir="Uper"), "expected a reservoir of an asset on prices: Upper perhaps"),
        (inflow_rows()[:-1], "expected 96 MTUs of a 24-hour day; 23:45 is missing"),
        (inflow_rows(times=INSTANTS)[:-1], "high is '1 missing'; expected a value wherever other"),
        (inflow_rows(times=(*INSTANTS[:40], *INSTANTS[48:])), "is '8 values missing'"),
        ([*inflow_rows()[:-1], ["high", "Upper", "23:45", -1]], "between 0 and 100000"),
    ],
)  # fmt: skip
def test_inflows__of_scenarios_that_are_refused(inputs, rows, told):
    assert any(told in problem for problem in problems(inputs, "inflows", inflows(rows)))


def test_inflows__of_scenarios_that_stick_out_are_told(inputs):
    rows = inflow_rows()
    rows[150][-1] = 500

    ((name, spike),) = read(inputs, "inflows", inflows(rows)).spikes

    assert (name, spike.field) == ("prices", "inflow.Upper.13:30")
