"""Seconds of a processor to read, check and map an operator's model of 300 plants and 200 reservoirs, as one JSON.

    python tests/benchmarks/domain_model.py

A year of hourly inflow comes with each reservoir. Two hundred lakes in as many places of twenty rivers,
each above one plant with a unit or two; every property with a unit of the operator's own. The parts of
the way are told one by one: model and mapping, series, instances, elements, documents, and the
canonical form's own checks. Ends with exit code 1 where all of it takes longer than two seconds.
"""

from __future__ import annotations

import io
import json
import sys
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from hydrobid.schema.domain_model.assembly import documents_of
from hydrobid.schema.domain_model.operator_model import client_content, model_in
from hydrobid.schema.domain_model.units import factor
from hydrobid.schema.folder import read_client

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED, LIMIT = 20261127, 2.0
RIVERS, LAKES, PLANTS, HOURS = 20, 200, 300, 8760
DAYS = (date(2026, 5, 30), date(2026, 6, 15))

MODEL = """
model: many
version: 1
canonical: 2
mapping: mapping.yaml
types:
  River: {extends: watercourse}
  Lake:
    properties:
      contents: {type: number, unit: hm3, required: true}
      lrv: {type: number, unit: ft, required: true}
      hrv: {type: number, unit: ft, required: true}
      level: {type: number, unit: ft, required: true}
      worth: {type: number, unit: EUR/m3, required: true}
      gauge: {type: text, required: true}
      owner: {type: text}
    relations:
      river: {to: River, required: true}
    constraints:
      - {rule: lrv < hrv, says: lrv lies below hrv}
  Plant:
    properties:
      tail: {type: number, unit: ft, required: true}
      rated: {type: number, unit: kW, required: true}
      sets: {type: integer, minimum: 1, maximum: 2, required: true}
      flows: {type: list, items: {type: number, unit: l/s}, required: true}
      etas: {type: list, items: {type: number, unit: "%"}, required: true}
      head: {type: number, unit: ft, required: true}
      opened: {type: date}
    relations:
      lake: {to: Lake, required: true}
      below: {to: Lake}
  Offer:
    relations:
      river: {to: River, required: true}
instances:
  River: {files: [rivers.json]}
  Lake: {files: [lakes.csv]}
  Plant: {files: [plants.parquet]}
  Offer: {files: [offers.json]}
series:
  gauges: {files: [gauges.parquet], unit: l/s}
"""
UNIT = """
  - from: Plant
    to: unit
    where: sets >= `{number}`
    in: id
    name: "join('-', [id, '{number}'])"
    fields:
      power_max: rated
      turbine[0].head: head
      turbine[0].flow: flows
      turbine[0].efficiency_percent: etas
"""
MAPPING = """
mapping: many-to-hydrobid
version: 1
model: 1
canonical: 2
rules:
  - from: Lake
    to: reservoir
    in: river
    fields:
      volume_max: contents
      level.volume: {value: "[`0`, contents]", unit: hm3}
      level.level: {value: "[lrv, hrv]", unit: ft}
      start_level: level
      water_value: worth
      conditions.inflow: {value: gauge, series: gauges}
  - from: Plant
    to: plant
    in: related.lake.river
    fields: {reservoir: lake, to: below, outlet_level: tail}
  - from: Offer
    to: asset
    fields:
      price_area: {constant: NO2}
      scenario_set: {constant: day}
      watercourse: river
""" + "".join(UNIT.format(number=number) for number in (1, 2))
LAKE_COLUMNS = "id,river,contents,lrv,hrv,level,worth,gauge,owner"
CLIENT = """
version: 2
client: many-plants
market: nordic
portfolio: many
model: model.yaml
scenario_sets: {day: {file: prices.csv}}
"""


def client_files() -> dict[str, bytes]:
    """Return the folder of a client with that many plants."""
    rng = np.random.default_rng(SEED)
    rivers = {f"R{river}": {"source": "made up"} for river in range(RIVERS)}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = pa.array([start + timedelta(hours=hour) for hour in range(HOURS)])
    inflow = rng.gamma(2.0, 2000.0, (LAKES, HOURS)).round(1)
    gauges = {f"g{number}": inflow[number] for number in range(LAKES)}
    prices = [f"s,NO2,{at // 4:02}:{at % 4 * 15:02},40" for at in range(96)]
    return {
        "client.yaml": CLIENT.encode(),
        "model.yaml": MODEL.encode(),
        "mapping.yaml": MAPPING.encode(),
        "rivers.json": json.dumps(rivers).encode(),
        "offers.json": json.dumps({f"A{r}": {"river": f"R{r}"} for r in range(RIVERS)}).encode(),
        "lakes.csv": "\n".join([LAKE_COLUMNS, *map(lake, range(LAKES))]).encode(),
        "plants.parquet": _parquet(pa.Table.from_pylist(list(plants()))),
        "gauges.parquet": _parquet(pa.table({"time": times, **gauges})),
        "prices.csv": "\n".join(["scenario,price_area,time,price", *prices]).encode(),
    }


def lake(number: int) -> str:
    """Return a lake's row; ten lie in a row, each below the one before."""
    river, step = divmod(number, LAKES // RIVERS)
    low = 3000 - 250 * step
    worth = 0.004 * (LAKES // RIVERS - step)
    levels = f"{low},{low + 60},{low + 30}"
    return f"L{number},R{river},{5 + number % 85},{levels},{worth:.3f},g{number},owner {number}"


def plants() -> Iterator[dict[str, Any]]:
    """Yield the plants, two below each of the first lakes."""
    for number in range(LAKES):
        step = number % (LAKES // RIVERS)
        last = step + 1 == LAKES // RIVERS
        for twin in range(2 if number < PLANTS - LAKES else 1):
            yield {
                "id": f"P{number}-{twin}",
                "lake": f"L{number}",
                "below": None if last else f"L{number + 1}",
                "tail": 2810.0 - 250 * step,
                "rated": 40_000.0,
                "sets": 1 + number % 2,
                "flows": [8000.0, 16_000.0, 24_000.0],
                "etas": [86.0, 93.0, 91.0],
                "head": 200.0,
                "opened": "1962-05-01",
            }


def measured() -> dict[str, Any]:
    """Return seconds by part of the way, and what came out."""
    files = client_files()
    factor("ft", "m")  # the libraries' own loading is not the model's
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        seconds[part] = round(time.process_time() - begun, 3)

    with timed("model, mapping and series"):
        operator = model_in(files, "many")
    with timed("instances"):
        instances = operator.instances()
    with timed("elements"):
        mapped = operator.mapped(instances)
    content = client_content(files, "many") or {}
    content.pop("model")
    with timed("documents"):
        documents = documents_of(mapped, content, DAYS)
    with timed("canonical checks"):
        inputs = read_client(files, "many", documents.contents)
    assets = inputs.configuration["configuration"]["assets"]
    return {
        "plants": sum(len(asset["watercourse"]["plants"]) for asset in assets),
        "reservoirs": sum(len(asset["watercourse"]["reservoirs"]) for asset in assets),
        "values_of_series": LAKES * HOURS,
        "seconds": seconds,
        "total_seconds": round(sum(seconds.values()), 3),
        "limit_seconds": LIMIT,
    }


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


if __name__ == "__main__":
    result = measured()
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.exit(result["total_seconds"] > LIMIT)
