"""Plain tables of values over time, CSV or Parquet: a column `time` and columns of numbers."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import PurePath

from hydrobid.domain.conditions import Steps
from hydrobid.schema.findings import MAX_PROBLEMS, Place
from hydrobid.schema.parquet import size_fits
from hydrobid.schema.tables import MAX_BYTES

MAX_ROWS = 100_000
MAX_COLUMNS = 1000
TIME = "an instant, as 2026-03-28T13:45+01:00; without an offset it is taken as UTC"

Cell = str | float | datetime | date | None
Columns = Mapping[str, Sequence[Cell]]


def columns_of(content: bytes, file: str, place: Place) -> Columns | None:
    """Return a file's columns by name, at least one row, or None once what is wrong is noted."""
    suffix = PurePath(file).suffix.lower()
    if suffix not in (".csv", ".parquet"):
        (place / "name").refuse(PurePath(file).name, "a file that ends in .csv or .parquet")
        return None
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return None
    columns = _csv(content, place) if suffix == ".csv" else _parquet(content, place)
    if columns is None:
        return None
    rows = len(next(iter(columns.values()), ()))
    if not 0 < rows <= MAX_ROWS or len(columns) > MAX_COLUMNS:
        expected = f"1 to {MAX_ROWS} rows and at most {MAX_COLUMNS} columns"
        (place / "rows").refuse(f"{rows} rows, {len(columns)} columns", expected)
        return None
    return columns


def series_in(columns: Columns, limits: tuple[float, float], place: Place) -> dict[str, Steps]:
    """Return each column of numbers as steps in order of time, those without faults.

    limits: the least and the greatest value. Rows are counted as a spreadsheet counts them.
    """
    times: dict[datetime, int] = {}
    for row, cell in enumerate(columns["time"]):
        at = place / f"row {row + 2}, time"
        instant = _instant(cell)
        if instant is None:
            at.refuse(cell if isinstance(cell, str) else repr(cell), TIME)
        elif instant in times:
            at.refuse(str(cell), f"each time once: row {times[instant] + 2} has it")
        else:
            times[instant] = row
        if len(place.findings) > MAX_PROBLEMS:
            break
    series = {}
    for name in columns:
        if name != "time":
            values = _numbers(columns[name], name, limits, place)
            if values is not None and len(times) == len(values):
                ordered = sorted(times)
                series[name] = Steps(
                    times=tuple(ordered), values=tuple(values[times[at]] for at in ordered)
                )
    return series


def _csv(content: bytes, place: Place) -> Columns | None:
    try:
        text = content.decode("utf-8-sig")
        rows = list(islice(csv.reader(io.StringIO(text, newline=""), strict=True), MAX_ROWS + 2))
    except UnicodeDecodeError as error:
        (place / f"byte {error.start}").refuse(None, "text in UTF-8")
        return None
    except csv.Error as error:
        (place / "content").refuse(str(error), "comma-separated cells")
        return None
    header = [name.strip() for name in rows[0]] if rows else []
    if not _header_fits(header, place):
        return None
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(header):
            (place / f"row {number}").refuse(
                f"{len(row)} cells", f"{len(header)} cells, as the header"
            )
            return None
    body = [row for row in rows[1:] if row]
    return {name: [row[at] for row in body] for at, name in enumerate(header)}


def _parquet(content: bytes, place: Place) -> Columns | None:
    try:
        import pyarrow as pa  # noqa: PLC0415 - a third of a second that only Parquet is worth
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError:
        place.refuse("Parquet", "CSV, or an installation with pyarrow (the extra `cli`)")
        return None
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        names = file.schema_arrow.names
        if not (size_fits(file.metadata, place) and _header_fits(names, place)):
            return None
        table = file.read()
        return {name: table.column(name).to_pylist() for name in names}
    except (pa.ArrowException, OSError, ValueError) as error:
        place.refuse(str(error), "a Parquet file that can be read")
        return None


def _header_fits(header: Sequence[str], place: Place) -> bool:
    before = len(place.findings)
    if "time" not in header or len(header) < 2:
        expected = "a column time and one with a value at each time"
        (place / "header").refuse(", ".join(header[:20]) or "nothing", expected)
    for name in header:
        if header.count(name) > 1:
            (place / "header" / name).refuse(header.count(name), "each column once")
    return len(place.findings) == before


def _numbers(
    cells: Sequence[Cell], name: str, limits: tuple[float, float], place: Place
) -> list[float] | None:
    numbers = []
    for row, cell in enumerate(cells):
        number = _number(cell)
        if number is not None and limits[0] <= number <= limits[1]:
            numbers.append(number)
            continue
        expected = f"a number between {limits[0]:g} and {limits[1]:g}"
        (place / f"row {row + 2}, {name}").refuse(str(cell), expected)
        if len(place.findings) > MAX_PROBLEMS:
            return None
    return numbers if len(numbers) == len(cells) else None


def _number(cell: Cell) -> float | None:
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _instant(cell: Cell) -> datetime | None:
    try:
        instant = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell).strip())
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
