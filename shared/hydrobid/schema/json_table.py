"""The reader of scenario tables in JSON: a list of rows, each an object with the table's columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.schema.findings import Place
from hydrobid.schema.tables import (
    MAX_BYTES,
    MAX_ROWS,
    Labels,
    ScenarioTable,
    TableForm,
    columns_fit,
)


def read_json(content: bytes, form: TableForm, place: Place) -> ScenarioTable | None:
    """Return the table that JSON text holds, or None once what is wrong is noted.

    Rows count from 1. Every row has the columns of the first.
    """
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return None
    try:
        rows = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_each_once, parse_constant=_no_number
        )
    except UnicodeDecodeError as error:
        (place / f"byte {error.start}").refuse(None, "text in UTF-8")
        return None
    except json.JSONDecodeError as error:
        (place / f"line {error.lineno}").refuse(error.msg, "well-formed JSON")
        return None
    except (ValueError, RecursionError) as error:
        place.refuse(str(error), "a list of rows, each an object with each column once")
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        place.refuse(type(rows).__name__, "a list of rows, each an object of columns and values")
        return None
    return _table(rows, form, place)


def _table(rows: Sequence[dict[str, Any]], form: TableForm, place: Place) -> ScenarioTable | None:
    if not 0 < len(rows) <= MAX_ROWS:
        (place / "rows").refuse(len(rows), f"1 to {MAX_ROWS}")
        return None
    names = tuple(rows[0])
    if not columns_fit(names, form, place):
        return None
    before = len(place.findings)
    for number, row in enumerate(rows, start=1):
        if row.keys() != rows[0].keys():
            columns = ", ".join(name for name in form.columns if name in names)
            (place / f"row {number}").refuse(", ".join(row), f"the columns {columns}")
    if len(place.findings) > before:
        return None
    scenario, group, time = (Labels.of(_texts(rows, name, place)) for name in form.labels)
    value = _numbers(rows, form.value, place)
    probability = _numbers(rows, "probability", place) if "probability" in names else None
    if len(place.findings) > before:
        return None
    positions = np.arange(1, len(rows) + 1)
    return ScenarioTable(form, positions, scenario, group, time, value, probability)


def _texts(rows: Sequence[dict[str, Any]], name: str, place: Place) -> list[str]:
    texts = []
    for number, row in enumerate(rows, start=1):
        text = row[name]
        if not isinstance(text, str):
            (place / f"row {number}, {name}").refuse(text, "text")
            text = ""
        texts.append(text.strip())
    return texts


def _numbers(rows: Sequence[dict[str, Any]], name: str, place: Place) -> NDArray[np.float64]:
    numbers = []
    for number, row in enumerate(rows, start=1):
        value = row[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            (place / f"row {number}, {name}").refuse(value, "a number, as 41.5")
            value = 0.0
        try:
            numbers.append(float(value))
        except OverflowError:  # a whole number of hundreds of digits
            numbers.append(np.inf)
    return np.asarray(numbers)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"a row with {again} twice")
    return row


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant}, which is no JSON")
