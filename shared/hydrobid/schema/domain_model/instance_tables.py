"""Tables of instances, CSV, Parquet or Excel: a row for each, a column for each field, `id` first of all.

A column `level.volume` holds a field within one; a cell of a list has `;` between its values; an empty
cell states nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from hydrobid.schema.domain_model.leaves import Leaf
from hydrobid.schema.domain_model.workbooks import csv_of, is_workbook
from hydrobid.schema.findings import Place
from hydrobid.schema.parquet import size_fits
from hydrobid.schema.tables import MAX_BYTES

MAX_ROWS = 20_000
MAX_COLUMNS = 500
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_EXPECTED = {
    "number": "a number with a decimal point, as 41.5",
    "integer": "a whole number",
    "boolean": "true or false",
}


def rows_of(
    content: bytes, file: str, sheet: str | None, leaves: Mapping[str, Leaf], place: Place
) -> Iterator[dict[str, Any]]:
    """Yield each row's fields, `id` among them; what is wrong with the table is noted at `place`.

    sheet: of a workbook. leaves: what the fields of the type hold, by path; cells of other columns stay
    text.
    """
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return
    text = csv_of(content, sheet, place) if is_workbook(file) else content
    if text is None:
        return
    table = _parquet(text, place) if file.lower().endswith(".parquet") else _csv(text, place)
    if table is None:
        return
    header, rows = table
    for number, row in enumerate(rows, start=2):
        if number > MAX_ROWS + 1:
            (place / "rows").refuse(f"more than {MAX_ROWS}", f"at most {MAX_ROWS}")
            return
        if len(row) != len(header):
            if row:
                expected = f"{len(header)} cells, as the header"
                (place / f"row {number}").refuse(f"{len(row)} cells", expected)
            continue
        fields: dict[str, Any] = {}
        for column, cell in zip(header, row, strict=True):
            value = _value(cell, leaves.get(column), place / f"row {number}, {column}")
            if value is not None:
                _put(fields, column, value)
        yield fields


def _csv(content: bytes, place: Place) -> tuple[list[str], Sequence[Sequence[Any]]] | None:
    try:
        text = content.decode("utf-8-sig")
        found = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = list(islice(found, MAX_ROWS + 2))
    except UnicodeDecodeError as error:
        (place / f"byte {error.start}").refuse(None, "text in UTF-8")
        return None
    except csv.Error as error:
        (place / "content").refuse(str(error), "comma-separated cells")
        return None
    header = [name.strip() for name in rows[0]] if rows else []
    return (header, rows[1:]) if _header_fits(header, place) else None


def _parquet(content: bytes, place: Place) -> tuple[list[str], Sequence[Sequence[Any]]] | None:
    import pyarrow as pa  # noqa: PLC0415 - a third of a second that only Parquet is worth
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        header = list(file.schema_arrow.names)
        if not (size_fits(file.metadata, place) and _header_fits(header, place)):
            return None
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        place.refuse(str(error), "a Parquet file that can be read")
        return None
    columns = [table.column(name).to_pylist() for name in header]
    return header, list(zip(*columns, strict=True))


def _header_fits(header: Sequence[str], place: Place) -> bool:
    before = len(place.findings)
    if "id" not in header or len(header) > MAX_COLUMNS:
        expected = f"a column id, and at most {MAX_COLUMNS} columns"
        (place / "header").refuse(", ".join(header[:20]) or "nothing", expected)
    for name in header:
        if header.count(name) > 1:
            (place / "header" / name).refuse(header.count(name), "each column once")
        elif any(other.startswith(f"{name}.") for other in header):
            (place / "header" / name).refuse(name, "a field as a whole or by its parts, not both")
    return len(place.findings) == before


def _value(cell: Any, leaf: Leaf | None, place: Place) -> Any:
    """Return what a cell holds, None where it is empty or once its fault is noted."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if not text:
        return None
    if leaf is None or leaf.kind not in _EXPECTED:
        return text.split(";") if leaf is not None and leaf.many else text
    parts = text.split(";") if leaf.many else [text]
    values = []
    for part in parts:
        try:
            values.append(_PARSERS[leaf.kind](part.strip()))
        except (ValueError, KeyError):
            place.refuse(part, _EXPECTED[leaf.kind])
            return None
    return values if leaf.many else values[0]


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "number": float,
    "integer": lambda text: int(text[:20]),
    "boolean": lambda text: _BOOLEANS[text.lower()],
}


def _put(fields: dict[str, Any], column: str, value: Any) -> None:
    *ways, last = column.split(".")
    for step in ways:
        fields = fields.setdefault(step, {})
    fields[last] = value
