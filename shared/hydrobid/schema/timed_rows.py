"""Rows of a time and a number, from CSV or Parquet: cells are checked here, days are not."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.forms import MAX_PRICE
from hydrobid.schema.tables import MAX_BYTES, MAX_ROWS

TIME, PUBLISHED = "time", "published"
_TIMES = "ISO 8601, as 2018-03-25T13:00 or 2018-03-25T13:00+02:00"
_NUMBERS = f"a finite number between {-MAX_PRICE:g} and {MAX_PRICE:g}"


@dataclass(frozen=True)
class TimedRow:
    """One row. number: as a spreadsheet counts it. time, published: with an offset or without."""

    number: int
    time: datetime
    value: float
    published: datetime | None


def read_timed_rows(
    content: bytes, file_name: str, column: str, place: Place, *, published: bool
) -> list[TimedRow]:
    """Return the sound rows of a file; what is wrong is noted at `place`.

    column: the name of the column of numbers. published: whether a column of that name, where
    there is one, is read. A name that ends in `.parquet` says Parquet; else it is CSV.
    """
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return []
    reader = _parquet_rows if file_name.lower().endswith(".parquet") else _csv_rows
    wanted = (TIME, column, PUBLISHED) if published else (TIME, column)
    rows = [_row(number, cells, column, place) for number, cells in reader(content, wanted, place)]
    if not rows and not len(place.findings):
        (place / "rows").refuse(0, "a row for each MTU")
    return [row for row in rows if row is not None]


def _row(number: int, cells: Sequence[Any], column: str, place: Place) -> TimedRow | None:
    """Return a row of (time, value) or (time, value, published) cells."""
    time, value = _time(cells[0]), _value(cells[1])
    published = None if len(cells) == 2 else _time(cells[2])
    if time is None:
        (place / f"row {number}, {TIME}").refuse(cells[0], _TIMES)
    if value is None:
        (place / f"row {number}, {column}").refuse(cells[1], _NUMBERS)
    if len(cells) > 2 and published is None:
        (place / f"row {number}, {PUBLISHED}").refuse(cells[2], _TIMES)
        return None
    return None if time is None or value is None else TimedRow(number, time, value, published)


def _time(cell: Any) -> datetime | None:
    if isinstance(cell, datetime):
        return cell.replace(fold=0) if cell.tzinfo is None else cell
    try:
        return datetime.fromisoformat(cell.strip())
    except (ValueError, AttributeError):
        return None


def _value(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (ValueError, TypeError):
        return None
    return value if math.isfinite(value) and abs(value) <= MAX_PRICE else None


def _csv_rows(
    content: bytes, wanted: tuple[str, ...], place: Place
) -> Iterator[tuple[int, list[Any]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        (place / f"byte {error.start}").refuse(None, "text in UTF-8")
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        columns = _columns(header, wanted, place)
        if columns is None:
            return
        for number, row in enumerate(islice(reader, MAX_ROWS + 1), start=2):
            if number > MAX_ROWS + 1:
                (place / "rows").refuse(f"more than {MAX_ROWS}", f"at most {MAX_ROWS}")
            elif len(row) == len(header):
                yield number, [row[at] for at in columns]
            elif row:
                cells = f"{len(header)} cells, as the header"
                (place / f"row {number}").refuse(f"{len(row)} cells", cells)
    except csv.Error as error:
        (place / f"row {reader.line_num}").refuse(str(error), "comma-separated cells")


def _parquet_rows(
    content: bytes, wanted: tuple[str, ...], place: Place
) -> Iterator[tuple[int, list[Any]]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - a third of a second that only Parquet is worth
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError:
        place.refuse("Parquet", "CSV, or an installation with pyarrow (the extra `cli`)")
        return
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        names = file.schema_arrow.names
        columns = _columns(names, wanted, place)
        if columns is None:
            return
        if file.metadata.num_rows > MAX_ROWS:
            (place / "rows").refuse(file.metadata.num_rows, f"at most {MAX_ROWS}")
            return
        table = file.read([names[at] for at in columns])
        cells = [table.column(names[at]).to_pylist() for at in columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        place.refuse(str(error), "a Parquet file that can be read")
        return
    for number, row in enumerate(zip(*cells, strict=True), start=1):
        yield number, list(row)


def _columns(names: Sequence[str], wanted: tuple[str, ...], place: Place) -> list[int] | None:
    """Return the places of the wanted columns; only the third may be absent."""
    required = wanted[:2]
    for name in required:
        if names.count(name) != 1:
            value = None if name not in names else f"{names.count(name)} columns of that name"
            (place / "header" / name).refuse(value, f"one such column; {one_of(name, names)}")
    if any(names.count(name) != 1 for name in required):
        return None
    return [names.index(name) for name in wanted if name in names]
