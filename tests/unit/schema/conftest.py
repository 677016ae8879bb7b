"""A small client's folder in memory, to be broken in one place at a time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema import read_client

CLIENT = """
version: 1
client: small-client
market: nordic
portfolio: small
assets:
  - asset: valley
    price_area: NO2
    method: {name: multi_scenario, chunk: 5}
    scenario_set: prices
    watercourse: watercourses/valley.yaml
scenario_sets:
  prices: {file: scenarios/prices.csv}
"""
VALLEY = """
version: 1
watercourse: valley
reservoirs:
  Upper:
    volume_max: 40
    level: {volume: [0, 10, 50], level: [100, 120, 140]}
    start_level: 130
    water_value: 900
  Lower:
    volume_max: 20
    level: {volume: [0, 25], level: [40, 50]}
    start_volume: 5
    inflow: 12.5
    water_value: 300
plants:
  Station:
    reservoir: Upper
    to: Lower
    outlet_level: 50
    units:
      Unit1: &unit
        power_max: 20
        turbine: [{head: 70, flow: [10, 20, 30], efficiency_percent: [85, 92.5, 90]}]
      Unit2: *unit
    pumps:
      Pump1: {power_max: 10, efficiency: 0.85}
gates:
  Spill: {reservoir: Lower}
  Bypass: {reservoir: Upper, to: Reach}
rivers:
  Reach: {to: Lower, delay_minutes: 30}
"""
MTUS = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 15, 30, 45)]

Files = dict[str, bytes]


def table(scenarios: tuple[str, ...] = ("low", "high"), area: str = "NO2") -> str:
    rows = [
        f"{scenario},{area},{time},{10 * number + at / 4}"
        for number, scenario in enumerate(scenarios, start=1)
        for at, time in enumerate(MTUS)
    ]
    return "\n".join(["scenario,price_area,time,price", *rows, ""])


@pytest.fixture
def files() -> Files:
    return {
        "client.yaml": CLIENT.encode(),
        "watercourses/valley.yaml": VALLEY.encode(),
        "scenarios/prices.csv": table().encode(),
    }


@pytest.fixture
def edited(files: Files) -> Callable[..., Files]:
    """Return a function that replaces text in one file of the small client."""

    def edit(name: str, old: str, new: str) -> Files:
        content = files[name].decode()
        assert old in content, f"{old!r} is not in {name}"
        return {**files, name: content.replace(old, new, 1).encode()}

    return edit


@pytest.fixture
def problems() -> Callable[[Files], dict[tuple[str, str], tuple[object, str]]]:
    """Return a function that reads a folder and returns its problems by document and field."""

    def read(files: Files) -> dict[tuple[str, str], tuple[object, str]]:
        with pytest.raises(InvalidInput) as caught:
            read_client(files, "small-client")
        return {
            (problem.document.removeprefix("small-client/"), problem.field): (
                problem.value,
                problem.expected,
            )
            for problem in caught.value.problems
        }

    return read


@pytest.fixture
def example() -> Callable[[str], Files]:
    """Return a function that reads the folder of an example client."""

    def read(client: str) -> Files:
        folder = Path(__file__).parents[3] / "shared" / "clients" / client
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    return read
