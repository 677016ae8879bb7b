"""A small operator's client in memory: its own model, a mapping, instances in every form of file."""

from __future__ import annotations

import json

CLIENT = """
version: 2
client: fell-client
market: nordic
portfolio: fells
model: model/model.yaml
scenario_sets:
  prices: {file: prices.csv}
"""
MODEL = """
model: fells
version: 3
canonical: 2
mapping: model/mapping.yaml
types:
  Basin: {extends: watercourse, properties: {licence: {type: text}}}
  Lake:
    properties:
      contents: {type: number, unit: hm3, minimum: 0, required: true}
      lrv: {type: number, unit: m, required: true}
      hrv: {type: number, unit: m, required: true}
      level: {type: number, unit: m, required: true}
      worth: {type: number, unit: EUR/m3, default: 0.02}
      gauge: {type: text}
      warden: {type: text, pattern: "^[A-Z][a-z]+$"}
      tags: {type: list, items: {type: text}}
    relations:
      basin: {to: Basin, required: true}
      next: {to: Lake, acyclic: true}
    constraints:
      - {rule: lrv < hrv, says: lrv lies below hrv}
  Plant:
    extends: plant
    properties:
      reach: {type: integer, unit: min}
      opened: {type: date}
    relations:
      basin: {to: Basin, required: true}
      sets: {to: Set, by: plant}
  Set:
    properties:
      rated: {type: number, unit: kW, required: true}
      fit: {type: boolean, default: true}
      hill:
        type: list
        items:
          type: record
          fields:
            h: {type: number, unit: m}
            q: {type: list, items: {type: number, unit: l/s}}
            eta: {type: list, items: {type: number, unit: "%"}}
    relations:
      plant: {to: Plant, required: true}
  Offer:
    properties:
      zone: {type: choice, options: [south, west]}
      book: {type: record, fields: {desk: {type: text}, phone: {type: integer}}}
    relations:
      basin: {to: Basin, required: true}
instances:
  Basin: {files: [basins.yaml]}
  Lake: {files: [lakes.csv]}
  Plant: {files: [plants.json]}
  Set: {files: [sets.yaml]}
  Offer: {files: [offers.yaml]}
series:
  gauges: {files: [gauges.csv], unit: l/s}
"""
MAPPING = """
mapping: fells-to-hydrobid
version: 1
model: 3
canonical: 2
currency: EUR
lookups:
  zones: {south: NO2, west: NO5}
rules:
  - from: Lake
    to: reservoir
    in: basin
    fields:
      volume_max: contents
      level.volume: {value: "[`0`, contents]", unit: hm3}
      level.level: {value: "[lrv, hrv]", unit: m}
      start_level: level
      water_value: worth
      conditions.inflow: {value: gauge, series: gauges}
  - from: Set
    to: unit
    where: fit
    in: plant
    fields:
      power_max: rated
      turbine: {each: hill, fields: {head: h, flow: q, efficiency_percent: eta}}
  - from: Offer
    to: asset
    fields:
      price_area: {value: zone, lookup: zones}
      scenario_set: {constant: prices}
      method: {constant: {name: multi_scenario, chunk: 5}}
      watercourse: basin
"""
BASINS = "Glen: {licence: L1, source: made up}\n"
LAKES = """id,basin,contents,lrv,hrv,level,gauge,warden,tags
Top,Glen,40,880,905,897.5,top,Ann,high;cold
Low,Glen,12,540,548,544,,,
"""
PLANTS = {
    "High": {"basin": "Glen", "reservoir": "Top", "to": "Low", "outlet_level": 545},
    "Foot": {"basin": "Glen", "reservoir": "Low", "outlet_level": 310, "opened": "1962-05-01"},
}
SETS = """
H1: {plant: High, rated: 62000, hill: [{h: 330, q: [6000, 18000], eta: [84, 93]}]}
H2: {plant: High, rated: 62000, fit: false}
F1: {plant: Foot, rated: 58000, hill: [{h: 232, q: [8000, 24000], eta: [86, 93]}]}
"""
OFFERS = "glen: {basin: Glen, zone: west, book: {desk: night, phone: 110}}\n"
GAUGES = """time,top,spare
2026-11-24T00:00+01:00,9000,1
2026-11-25T00:00+01:00,8000,2
2026-11-25T06:00+01:00,8000,3
2026-12-24T00:00+01:00,7000,4
"""


def prices() -> str:
    """Two scenarios of one area, as a profile."""
    rows = [
        f"{name},NO5,{at // 4:02}:{at % 4 * 15:02},{base + at / 4}"
        for name, base in (("low", 20), ("high", 40))
        for at in range(96)
    ]
    return "\n".join(["scenario,price_area,time,price", *rows, ""])


def fell_client() -> dict[str, bytes]:
    """Return the client's files by name."""
    files = {
        "client.yaml": CLIENT,
        "model/model.yaml": MODEL,
        "model/mapping.yaml": MAPPING,
        "basins.yaml": BASINS,
        "lakes.csv": LAKES,
        "plants.json": json.dumps(PLANTS),
        "sets.yaml": SETS,
        "offers.yaml": OFFERS,
        "gauges.csv": GAUGES,
        "prices.csv": prices(),
    }
    return {name: content.encode() for name, content in files.items()}


def changed(files: dict[str, bytes], name: str, old: str, new: str) -> dict[str, bytes]:
    """Return the files with a text replaced once in one of them."""
    content = files[name].decode()
    assert old in content, f"{old!r} is not in {name}"
    return {**files, name: content.replace(old, new, 1).encode()}
