"""The guarantee: an operator changes its model, and nothing that runs a bid notices.

A field is added, another renamed, a unit changed, a plant split in two, a new type of asset added with
a mapping of its own. Each time the operator's documents alone change, and the day is bid by the same
functions, workflows and pipeline. These run here in a process of their own that has canonical
documents and no way to the operator's model.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from operator_models import changed, fell_client

from hydrobid.schema.domain_model.client import read_operator_client

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 25)
MODEL, MAPPING = "model/model.yaml", "model/mapping.yaml"
# What only the operator says, in its own documents.
OWN_WORDS = ("contents", "hm3", "warden", "licence", "hill", "rated", "gauge", "magazine", "intake")

Files = dict[str, bytes]

# The daily bid from stored documents, where the operator's model cannot be loaded at all.
DAILY_BID = """
import json, sys
for hidden in ("hydrobid.schema.domain_model", "jmespath", "pint"):
    sys.modules[hidden] = None
from datetime import datetime
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.identifiers import ClientId
from hydrobid.pipeline.publish_inputs import publish_inputs

stored = json.load(sys.stdin)
pipeline = InProcessPipeline.starting_at(datetime.fromisoformat("2026-11-24T10:30+01:00"))
publish_inputs(pipeline.documents, pipeline.clock, stored["configuration"], stored["scenario_sets"])
view = pipeline.run(ClientId("fell-client"))
orders = {key[2]: order.matrix.to_document() for key, order in pipeline.exchange.orders.items()}
print(json.dumps({
    "run": str(view.plan.run),
    "state": view.state,
    "assets": {name: asset.state for name, asset in view.assets.items()},
    "orders": orders,
}))
"""


@dataclass
class Bid:
    """What came of a day, and what went along with its inputs."""

    run: str
    state: str
    assets: dict[str, str]
    orders: dict[str, Any]
    carried: dict[str, Any] = field(default_factory=dict)


def bid(files: Files) -> Bid:
    """Bid the day from an operator's documents."""
    inputs = read_operator_client(files, "fell-client", DAY)
    stored = {"configuration": inputs.configuration, "scenario_sets": inputs.scenario_sets}
    done = subprocess.run(
        [sys.executable, "-c", DAILY_BID],
        input=json.dumps(stored),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Bid(**json.loads(done.stdout), carried=inputs.configuration["operator"]["carried"])


@pytest.fixture(scope="module")
def before() -> Bid:
    """The bid of the model as it is."""
    found = bid(fell_client())
    assert (found.state, found.assets) == ("submitted", {"glen": "COMPLETE"})
    assert list(found.orders) == ["NO5"]
    return found


def test_guarantee__a_field_is_added(before):
    files = changed(
        fell_client(),
        MODEL,
        "      gauge:",
        "      ice: {type: choice, options: [thin, thick]}\n      gauge:",
    )
    files = changed(files, "lakes.csv", ",tags\n", ",tags,ice\n")
    files = changed(files, "lakes.csv", "high;cold\n", "high;cold,thick\n")
    files = changed(files, "lakes.csv", "544,,,\n", "544,,,,thin\n")

    after = bid(files)

    assert after.orders == before.orders
    assert after.carried["Lake"]["Low"] == {"ice": "thin"}


def test_guarantee__a_field_is_renamed(before):
    files = changed(fell_client(), MODEL, "contents:", "magazine:")
    files = changed(files, "lakes.csv", "contents", "magazine")
    files = changed(files, MAPPING, "volume_max: contents", "volume_max: magazine")
    files = changed(files, MAPPING, "[`0`, contents]", "[`0`, magazine]")

    assert bid(files).orders == before.orders


def test_guarantee__a_unit_is_changed(before):
    # Of a property, which the mapping need not know of; and of a series.
    files = changed(
        fell_client(), MODEL, "rated: {type: number, unit: kW", "rated: {type: number, unit: MW"
    )
    files = changed(
        files, "sets.yaml", "H1: {plant: High, rated: 62000", "H1: {plant: High, rated: 62"
    )
    files = changed(files, "sets.yaml", "rated: 58000", "rated: 58")
    files = changed(
        files, MODEL, "files: [gauges.csv], unit: l/s", "files: [gauges.csv], unit: m3/h"
    )
    rows = files["gauges.csv"].decode().splitlines()
    hourly = [
        f"{time},{float(top) * 3.6:.1f},{spare}"
        for time, top, spare in (r.split(",") for r in rows[1:])
    ]
    files["gauges.csv"] = "\n".join([rows[0], *hourly]).encode()

    assert bid(files).orders == before.orders


def test_guarantee__a_plant_is_split_in_two(before):
    # Two alike units in one plant, then each in a plant of its own: as much power as before.
    both = changed(fell_client(), "sets.yaml", "fit: false}", f"hill: {HILL}}}")
    plants = json.loads(both["plants.json"])
    plants["High-B"] = dict(plants["High"])
    split = changed(both, "sets.yaml", "H2: {plant: High", "H2: {plant: High-B")
    split["plants.json"] = json.dumps(plants).encode()

    one, two = bid(both), bid(split)

    assert one.orders != before.orders
    assert two.state == "submitted"
    assert two.orders == one.orders


HILL = "[{h: 330, q: [6000, 18000], eta: [84, 93]}]"


def test_guarantee__a_new_type_of_asset_with_a_mapping_of_its_own(before):
    files = changed(fell_client(), MODEL, "instances:\n", CREEK_TYPE + "instances:\n")
    files = changed(
        files, MODEL, "  Offer: {files", "  Creek: {files: [creeks.yaml]}\n  Offer: {files"
    )
    files[MAPPING] = (files[MAPPING].decode() + CREEK_RULES).encode()
    files["creeks.yaml"] = (
        b"Beck: {intake: 410, station: 120, rated: 900, flow: 320, pond: 12000, access: foot}\n"
    )

    after = bid(files)

    assert (after.state, after.assets) == ("submitted", {"glen": "COMPLETE", "Beck": "COMPLETE"})
    assert after.orders != before.orders
    assert after.carried["Creek"] == {"Beck": {"access": "foot"}}


CREEK_TYPE = """
  Creek:
    description: A pond, a penstock and one small unit, all in one.
    properties:
      intake: {type: number, unit: m, required: true}
      station: {type: number, unit: m, required: true}
      rated: {type: number, unit: kW, required: true}
      flow: {type: number, unit: l/s, required: true}
      pond: {type: number, unit: m3, required: true}
      access: {type: text}
"""
CREEK_RULES = """
  - {from: Creek, to: watercourse}
  - from: Creek
    to: reservoir
    in: id
    fields:
      volume_max: pond
      level.volume: {value: "[`0`, pond]", unit: m3}
      level.level: {value: "[intake, sum([intake, `1`])]", unit: m}
      start_level: intake
      inflow: flow
      water_value: {constant: 0}
  - {from: Creek, to: plant, in: id, fields: {reservoir: id, outlet_level: station}}
  - from: Creek
    to: unit
    in: id
    fields:
      power_max: rated
      turbine[0].head: {value: "sum([intake, `-120`])", unit: m}
      turbine[0].flow: {value: "[flow]", unit: l/s}
      turbine[0].efficiency_percent: {constant: [85]}
  - from: Creek
    to: asset
    fields:
      price_area: {constant: NO5}
      scenario_set: {constant: prices}
      watercourse: id
"""


def test_guarantee__what_runs_a_bid_has_no_word_of_the_operators():
    rooms = [
        ROOT / "functions",
        ROOT / "workflows",
        *(ROOT / "shared" / "hydrobid" / room for room in ROOMS),
    ]
    paths = [p for room in rooms for p in sorted(room.rglob("*")) if p.suffix in (".py", ".yaml")]
    assert len(paths) > 40

    for path in paths:
        text = path.read_text(encoding="utf-8")
        for word in (*OWN_WORDS, "domain_model", "jmespath"):
            assert not _stands_as_name(word, text), f"{word} in {path.relative_to(ROOT)}"


ROOMS = ("pipeline", "bootstrap")


def _stands_as_name(word: str, text: str) -> bool:
    """Whether a word is a field or key: in quotes, before a colon or after a dot."""
    return any(form in text for form in (f'"{word}"', f"'{word}'", f".{word} ", f"{word}:\n"))


def test_guarantee__functions_import_bootstrap_only():
    for path in sorted((ROOT / "functions").glob("*/main.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name.startswith("hydrobid")]
            allowed = ("hydrobid.bootstrap", "hydrobid.domain")
            assert all(name.startswith(allowed) for name in ours), f"{path.parent.name}: {ours}"
