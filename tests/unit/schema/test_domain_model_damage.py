"""Operators' documents damaged in any way are read or refused with words, and never end otherwise."""

from __future__ import annotations

import copy
import json
import random
from datetime import date
from typing import Any

import pytest
from operator_models import fell_client

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.domain_model.client import read_operator_client
from hydrobid.schema.yaml_document import read_yaml

DAY = date(2026, 11, 26)
DOCUMENTS = (
    "client.yaml",
    "model/model.yaml",
    "model/mapping.yaml",
    "basins.yaml",
    "plants.json",
    "sets.yaml",
    "offers.yaml",
)
VALUES: tuple[Any, ...] = (
    None, 0, -1, 1, 0.5, 1e308, -1e308, 1e-300, 10**30, True, False, "", "x", "Top", "Glen", "Lake",
    "reservoir", "hm3", "m", "@", "[@]", "related.basin", "id", "a[?", "number", "record", "list",
    "2026-11-28T00:00Z", [], [1], [[]], ["x"], {}, {"a": 1}, {"type": "number"}, {"value": "id"},
    {"value": "contents", "unit": "m"}, {"to": "Lake"}, {"to": "Lake", "by": "next"},
)  # fmt: skip
NAMES = (
    "",
    "a b",
    "x",
    "Top",
    "id",
    "level.volume",
    "turbine[0].head",
    "conditions.inflow",
    "_x",
    "json",
)
CELLS = ("", "x", "-1", "1e308", "nan", "inf", ";", "1;2", "Top", '"', "10" * 30, "ÆØÅ")


def places(content: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each value of a document."""
    if isinstance(content, dict):
        inner = content.items()
    elif isinstance(content, list):
        inner = enumerate(content)
    else:
        return [way]
    return [way, *(place for key, part in inner for place in places(part, (*way, key)))]


def damaged(content: Any, rng: random.Random) -> Any:
    """Return a document with a value replaced, removed, repeated or renamed."""
    content = copy.deepcopy(content)
    ways = [way for way in places(content) if way]
    if not ways:
        return rng.choice(VALUES)
    *outer, last = rng.choice(ways)
    at = content
    for step in outer:
        at = at[step]
    match rng.randrange(4):
        case 0:
            del at[last]
        case 1 if isinstance(at, dict):
            at[rng.choice(NAMES)] = at.pop(last)
        case 2:
            other = content
            for step in rng.choice(ways):
                other = other[step]
            at[last] = copy.deepcopy(other)
        case _:
            at[last] = copy.deepcopy(rng.choice(VALUES))
    return content


def damaged_table(text: str, rng: random.Random) -> str:
    """Return a table with one cell replaced, or a row or column gone."""
    rows = [row.split(",") for row in text.splitlines()]
    row = rng.randrange(len(rows))
    match rng.randrange(4):
        case 0 if len(rows) > 1:
            del rows[row]
        case 1:
            del rows[row][rng.randrange(len(rows[row]))]
        case 2:
            rows.append(list(rows[row]))
        case _:
            rows[row][rng.randrange(len(rows[row]))] = rng.choice(CELLS)
    return "\n".join(",".join(cells) for cells in rows)


def damaged_client(rng: random.Random) -> dict[str, bytes]:
    """Return the client with one or two faults in any of its documents."""
    files = fell_client()
    for _ in range(rng.randint(1, 2)):
        name = rng.choice([*DOCUMENTS, "lakes.csv", "gauges.csv"])
        text = files[name].decode()
        if name.endswith(".csv"):
            files[name] = damaged_table(text, rng).encode()
        else:
            files[name] = json.dumps(damaged(read_yaml(text.encode(), name), rng)).encode()
    return files


def refusal(files: dict[str, bytes]) -> InvalidInput | None:
    """Return why a client is refused, None where it is read."""
    try:
        read_operator_client(files, "fell-client", DAY)
    except InvalidInput as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(4))
def test_read_operator_client__damaged(seed):
    print(f"seed {seed}")
    rng = random.Random(seed)
    read = 0
    for _ in range(30):
        error = refusal(damaged_client(rng))
        if error is None:
            read += 1
        else:
            assert all(p.document and p.field and p.expected for p in error.problems)
            json.dumps(error.as_document(), allow_nan=False)
    assert read < 30
