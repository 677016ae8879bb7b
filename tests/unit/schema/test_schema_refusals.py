"""Each kind of bad input is refused with its document, field, value and what would be right."""

import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema import read_client, with_prices

VALLEY = "watercourses/valley.yaml"
PRICES = "scenarios/prices.csv"


@pytest.mark.parametrize(
    ("name", "old", "new", "field", "value", "expected"),
    [
        ("client.yaml", "NO2", "NO9", "assets[0].price_area", "NO9", "one of DK1, DK2, FI, NO1"),
        ("client.yaml", "NO2", "NO", "assets[0].price_area", "NO", "NO5"),
        ("client.yaml", "NO2", "FI", "assets[0].price_area", "FI", "prices.csv has: NO2"),
        ("client.yaml", "portfolio:", "portfolo:", "portfolo", "small", "portfolio perhaps"),
        ("client.yaml", "portfolio:", "portfolo:", "portfolio", None, "required"),
        (
            "client.yaml",
            "portfolio: small",
            "portfolio: small\napproval: sometimes",
            "approval",
            "sometimes",
            "four_eyes",
        ),
        (
            "client.yaml",
            "portfolio: small",
            "portfolio: small\non_silence: shout",
            "on_silence",
            "shout",
            "submit_yesterday",
        ),
        (
            "client.yaml",
            "portfolio: small",
            "portfolio: small\nchecks: {change: 0}",
            "checks.change",
            0,
            "above 0",
        ),
        (
            "client.yaml",
            "portfolio: small",
            "portfolio: small\nchecks: {price_flor: 5}",
            "checks.price_flor",
            5,
            "price_floor perhaps",
        ),
        ("client.yaml", "chunk", "chunks", "assets[0].method.chunks", 5, "chunk perhaps"),
        ("client.yaml", "chunk: 5", "chunk: 0", "assets[0].method.chunk", 0, "1 or more"),
        (
            "client.yaml",
            "chunk: 5}",
            "chunk: 5}\n    coverage: {must_have: [low, hihg]}",
            "assets[0].coverage.must_have[1]",
            "hihg",
            "high perhaps",
        ),
        ("client.yaml", "multi_scen", "mult_scen", "assets[0].method.name", None, "multi_scenario"),
        (
            "client.yaml",
            "name: multi_scenario, ",
            "",
            "assets[0].method.name",
            None,
            "price_shifts",
        ),
        (
            "client.yaml",
            "multi_scenario, chunk: 5",
            "price_shifts, shifts: 4",
            "assets[0].method.shifts",
            4,
            "2, 3, 20, or a list",
        ),
        (
            "client.yaml",
            "multi_scenario, chunk: 5",
            "price_shifts, profile: scaled, shifts: 3",
            "assets[0].method.shifts",
            3,
            "a list of factors",
        ),
        (
            "client.yaml",
            "multi_scenario",
            "water_value",
            "assets[0].method.chunk",
            5,
            "a known field",
        ),
        (
            "client.yaml",
            "{name: multi_scenario, chunk: 5}",
            "7",
            "assets[0].method",
            7,
            "a mapping",
        ),
        ("client.yaml", "version: 1", "version: 3", "version", 3, "one of 1, 2"),
        ("client.yaml", "nordic", "nordik", "market", "nordik", "nordic perhaps"),
        ("client.yaml", "set: prices", "set: price", "assets[0].scenario_set", "price", "prices"),
        ("client.yaml", "valley.yaml", "vally.yaml", "assets[0].watercourse", None, "valley.yaml"),
        (
            VALLEY,
            "reservoir: Upper",
            "reservoir: Uper",
            "plants.Station.reservoir",
            "Uper",
            "Upper",
        ),
        (VALLEY, "    reservoir: Upper\n", "", "plants.Station.reservoir", None, "required"),
        (VALLEY, "Unit2: *", "Pump1: *", "units and pumps.Pump1", "Pump1", "a name of its own"),
        (VALLEY, "to: Lower", "to: Ocean", "plants.Station.to", "Ocean", "Lower, Upper, Reach"),
        (VALLEY, "to: Lower", "to: Upper", "plants.Station.to", "Upper", "lead back to Upper"),
        (VALLEY, "130", "139", "reservoirs.Upper.start_level", 139, "100 to 135 m"),
        (VALLEY, "start_volume: 5", "inflow2: 5", "reservoirs.Lower.inflow2", 5, "inflow perhaps"),
        (
            VALLEY,
            "start_volume: 5",
            "",
            "reservoirs.Lower.start_level",
            "nothing",
            "one of the two",
        ),
        (VALLEY, "12.5", "'12.5'", "reservoirs.Lower.inflow", "12.5", "a number"),
        (VALLEY, "12.5", ".nan", "reservoirs.Lower.inflow", "nan", "a finite number"),
        (VALLEY, "12.5", "1e300", "reservoirs.Lower.inflow", None, "at most 100000"),
        (VALLEY, "[0, 10, 50]", "[0, 10, 5]", "reservoirs.Upper.level.volume[2]", 5, "above 10"),
        (VALLEY, "[0, 10, 50]", "[0, 50]", "reservoirs.Upper.level.level", "3 values", ": 2"),
        (VALLEY, "max: 40", "max: 0", "reservoirs.Upper.volume_max", 0, "above 0"),
        (
            VALLEY,
            "power_max: 20",
            "power_min: 9",
            "plants.Station.units.Unit1.power_max",
            None,
            "a",
        ),
        (
            VALLEY,
            "efficiency: 0.85",
            "efficiency: 85",
            "plants.Station.pumps.Pump1.efficiency",
            85,
            "at most 1",
        ),
        (
            VALLEY,
            "[85, 92.5, 90]",
            "[0.85, 92.5, 90]",
            "plants.Station.units.Unit1.turbine[0].efficiency_percent[0]",
            0.85,
            "above 1",
        ),
        (PRICES, "00:15,10.25", "00:15,ten", "row 3, price", "ten", "a number"),
        (PRICES, "00:15,10.25", "00:15,", "row 3, price", "", "a number"),
        (PRICES, "00:15,10.25", "00:15,nan", "row 3, price", "nan", "a finite number"),
        (PRICES, "00:15,10.25", "00:15,1e9", "row 3, price", 1e9, "100000"),
        (PRICES, "00:15,10.25", "00:15", "row 3", "3 cells", "4 cells"),
        (PRICES, "NO2,00:15", "NO22,00:15", "row 3, price_area", "NO22", "NO2 perhaps"),
        (PRICES, "00:15,", "00:07,", "row 3, time", "00:07", "steps of 15 minutes"),
        (PRICES, "00:15,", "25:00,", "row 3, time", "25:00", "steps of 15 minutes"),
        (PRICES, "00:15,", "00:00,", "row 3", "low, NO2, 00:00", "row 2 has it"),
        (PRICES, "low,NO2,00:15", "lo w,NO2,00:15", "row 3, scenario", "lo w", "letters, digits"),
        (PRICES, "price\n", "prize\n", "header.prize", "prize", "price perhaps"),
    ],
)
def test_read_client__one_fault(edited, problems, name, old, new, field, value, expected):
    found = problems(edited(name, old, new))

    assert (name, field) in found, found
    shown, right = found[name, field]
    if value is not None:
        assert shown == value
    assert expected in right


def test_read_client__scenario_of_95_values(edited, problems):
    found = problems(edited("scenarios/prices.csv", "low,NO2,13:45,23.75\n", ""))

    assert found == {
        ("scenarios/prices.csv", "scenario low, price_area NO2"): (
            "95 values",
            "96 MTUs of a 24-hour day; 13:45 is missing",
        )
    }


@pytest.mark.parametrize(
    ("stated", "field", "value"),
    [
        ("{low: 0.5, high: 0.4}", "probabilities", 0.9),
        ("{low: 0.5, hgh: 0.5}", "probabilities.hgh", 0.5),
        ("{low: 0.5, hgh: 0.5}", "probabilities.high", None),
        ("{low: 1, high: 0}", "probabilities.high", 0),
    ],
)
def test_read_client__probabilities_in_yaml(edited, problems, stated, field, value):
    found = problems(edited("client.yaml", ".csv}", f".csv, probabilities: {stated}}}"))

    assert found["client.yaml", f"scenario_sets.prices.{field}"][0] == value


@pytest.mark.parametrize(
    ("low", "high", "field", "value"),
    [
        ("0.5", "0.4", "probability", 0.9),
        ("0.5", "-0.5", "row 98, probability", -0.5),
        ("0.5", "x", "row 98, probability", "x"),
    ],
)
def test_read_client__probabilities_in_csv(files, problems, low, high, field, value):
    files["scenarios/prices.csv"] = with_column(files, {"low": low, "high": high})

    assert problems(files)["scenarios/prices.csv", field][0] == value


def test_read_client__probability_changes_within_scenario(files, problems):
    content = with_column(files, {"low": "0.5", "high": "0.5"})
    files["scenarios/prices.csv"] = content.replace(b"10.25,0.5", b"10.25,0.4")

    value, expected = problems(files)["scenarios/prices.csv", "row 3, probability"]
    assert (value, expected) == (0.4, "0.5, as in its scenario's first row")


def test_read_client__probabilities_in_both(edited, problems):
    files = edited("client.yaml", ".csv}", ".csv, probabilities: {low: 0.5, high: 0.5}}")
    files["scenarios/prices.csv"] = with_column(files, {"low": "0.5", "high": "0.5"})

    assert ("client.yaml", "scenario_sets.prices.probabilities") in problems(files)


def test_read_client__every_fault_at_once(edited, problems):
    files = edited("client.yaml", "small\n", "small\nextra: 1\n")
    files["client.yaml"] = files["client.yaml"].replace(b"NO2", b"NO9")
    files["watercourses/valley.yaml"] = (
        files["watercourses/valley.yaml"]
        .replace(b"reservoir: Upper", b"reservoir: Uper", 1)
        .replace(b"12.5", b"much")
        .replace(b"reservoir: Lower}", b"reservoir: Lowest}")
    )
    files["scenarios/prices.csv"] = files["scenarios/prices.csv"].replace(b"10.25", b"ten")

    assert set(problems(files)) == {
        ("client.yaml", "extra"),
        ("client.yaml", "assets[0].price_area"),
        ("watercourses/valley.yaml", "reservoirs.Lower.inflow"),
        ("watercourses/valley.yaml", "plants.Station.reservoir"),
        ("watercourses/valley.yaml", "gates.Spill.reservoir"),
        ("scenarios/prices.csv", "row 3, price"),
    }


def test_read_client__files_that_are_used_twice(edited, problems):
    """A watercourse has one asset; a faulty file's faults are told once however often it is used."""
    asset = "  - {asset: twin, price_area: NO2, scenario_set: twin, watercourse: " + VALLEY + "}\n"
    files = edited(
        "client.yaml", "scenario_sets:", f"{asset}scenario_sets:\n  twin: {{file: {PRICES}}}"
    )
    files[VALLEY] = files[VALLEY].replace(b"reservoir: Upper", b"reservoir: Uper", 1)
    files[PRICES] = files[PRICES].replace(b"10.25", b"ten")

    found = problems(files)
    assert set(found) == {
        ("client.yaml", "assets[1].watercourse"),
        (VALLEY, "plants.Station.reservoir"),
        (PRICES, "row 3, price"),
    }
    assert "no water is bid twice" in found["client.yaml", "assets[1].watercourse"][1]


@pytest.mark.parametrize(
    "reference",
    [
        "../other/valley.yaml",
        "/etc/passwd",
        "watercourses/../../x.yaml",
        "C:\\x.yaml",
        "..\\x.yaml",
    ],
)
def test_read_client__reference_out_of_the_folder(edited, problems, reference):
    found = problems(edited("client.yaml", "watercourses/valley.yaml", f"'{reference}'"))

    value, expected = found["client.yaml", "assets[0].watercourse"]
    assert value == reference
    assert expected.startswith("a file in the client's folder")


def test_read_client__no_client_file(files, problems):
    del files["client.yaml"]

    assert problems(files)["client.yaml", "content"][0] == "client.yaml"


def test_read_client__many_faults_are_cut(files, problems):
    files["scenarios/prices.csv"] = b"scenario,price_area,time,price\n" + b"a,NO2,00:00,x\n" * 5000

    found = problems(files)
    assert len(found) == 101
    assert found["all documents", "problems"][0] > 100


def test_read_client__long_value_is_cut(edited, problems):
    found = problems(edited("scenarios/prices.csv", "10.25", "x" * 100_000))

    assert len(found["scenarios/prices.csv", "row 3, price"][0]) == 80


def test_with_prices__unknown_set(files):
    with pytest.raises(InvalidInput, match="prices perhaps"):
        with_prices(read_client(files, "small-client"), "price", "x.csv", b"")


def test_with_prices__area_of_an_asset_is_missing(files):
    other = files["scenarios/prices.csv"].replace(b"NO2", b"NO5")

    with pytest.raises(InvalidInput, match=r"x\.csv: price_area is 'NO5'; expected prices of NO2"):
        with_prices(read_client(files, "small-client"), "prices", "x.csv", other)


def with_column(files, probabilities):
    header, *rows = files["scenarios/prices.csv"].decode().splitlines()
    lines = [f"{row},{probabilities[row.split(',')[0]]}" for row in rows]
    return "\n".join([f"{header},probability", *lines]).encode()
