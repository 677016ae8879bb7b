"""Time series of an operator's model, held by column from the file to the canonical document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.schema.domain_model.model_forms import LARGEST, SeriesForm
from hydrobid.schema.domain_model.workbooks import csv_of, is_workbook
from hydrobid.schema.files import ClientFiles
from hydrobid.schema.findings import Place
from hydrobid.schema.parquet import size_fits
from hydrobid.schema.tables import MAX_BYTES

MAX_COLUMNS = 5000
MAX_CELLS = 20_000_000
_TIME = "an instant, as 2026-03-28T13:45+01:00; without an offset it is taken as UTC"
_MICROSECONDS = "datetime64[us]"


@dataclass(frozen=True, eq=False)
class Series:
    """One column. times: (T,) datetime64 in UTC, rising; values: (T,), each from its time on."""

    times: NDArray[np.datetime64]
    values: NDArray[np.float64]

    def scaled(self, by: float) -> Series:
        """Return the series in another unit."""
        return self if by == 1.0 else Series(self.times, np.round(self.values * by, 9))

    def steps(self, days: tuple[date, date] | None) -> dict[str, float]:
        """Return values by instant, as a canonical document states them, where they change.

        days: from which one on and before which one they are kept, and what holds as the first
        begins. None: all.
        """
        first, last = 0, len(self.times)
        if days is not None:
            bounds = np.array(days, dtype="datetime64[D]").astype(_MICROSECONDS)
            first = max(int(np.searchsorted(self.times, bounds[0], side="right")) - 1, 0)
            last = max(int(np.searchsorted(self.times, bounds[1])), first + 1)
        times, values = self.times[first:last], self.values[first:last]
        changed = np.concatenate(([True], values[1:] != values[:-1]))
        texts = np.datetime_as_string(times[changed], unit="s").tolist()
        return {
            f"{text}Z": value for text, value in zip(texts, values[changed].tolist(), strict=True)
        }


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """Series by the name of their column, all of one unit."""

    unit: str
    columns: Mapping[str, Series]


def series_set_of(stated: SeriesForm, files: ClientFiles, place: Place) -> SeriesSet:
    """Return the series of a set's files; what is wrong with them is noted."""
    columns: dict[str, Series] = {}
    for index, reference in enumerate(stated.files):
        name = files.referred(reference, place / "files" / index)
        if name is None:
            continue
        at = files.place(name)
        content = files.files[name]
        text = csv_of(content, stated.sheet, at) if is_workbook(name) else content
        for column, series in ({} if text is None else _columns(text, name, at)).items():
            if column in columns:
                (at / "header" / column).refuse(column, "a series in one file only")
            columns[column] = series
    return SeriesSet(stated.unit, columns)


def _columns(content: bytes, file: str, place: Place) -> dict[str, Series]:
    table = _table(content, file, place)
    if table is None:
        return {}
    times = _times(table.column("time"), place)
    if times is None:
        return {}
    order = np.argsort(times, kind="stable")
    times = times[order]
    found = {}
    for name in table.column_names:
        if name != "time":
            values = _values(table.column(name), name, place)
            if values is not None:
                found[name] = Series(times, values[order])
    return found


def _table(content: bytes, file: str, place: Place) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - a third of a second that only series are worth
    from pyarrow import csv, parquet  # noqa: PLC0415 - as above

    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return None
    try:
        if file.lower().endswith(".parquet"):
            found = parquet.ParquetFile(pa.BufferReader(content))
            table = found.read() if size_fits(found.metadata, place) else None
        else:
            options = csv.ConvertOptions(column_types={"time": pa.string()})
            table = csv.read_csv(pa.BufferReader(content), convert_options=options)
    except (pa.ArrowException, OSError, ValueError) as error:
        place.refuse(
            str(error), "CSV, Parquet or Excel with a column time and a column for each series"
        )
        return None
    return table if table is not None and _shape_fits(table, place) else None


def _shape_fits(table: Any, place: Place) -> bool:
    names, before = table.column_names, len(place.findings)
    if "time" not in names or len(set(names)) != len(names) or len(names) > MAX_COLUMNS:
        expected = f"a column time, each column once, at most {MAX_COLUMNS}"
        (place / "header").refuse(", ".join(names[:20]), expected)
    if table.num_rows < 1 or table.num_rows * len(names) > MAX_CELLS:
        (place / "rows").refuse(table.num_rows, f"at least one, and at most {MAX_CELLS} cells")
    return len(place.findings) == before


def _times(column: Any, place: Place) -> NDArray[np.datetime64] | None:
    """Return the instants of a column, UTC, or None once a fault is noted."""
    instants = []
    for row, cell in enumerate(column.to_pylist(), start=2):
        try:
            instant = (
                cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell).strip())
            )
            if instant.tzinfo is not None:
                instant = instant.astimezone(UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            (place / f"row {row}, time").refuse(cell, _TIME)
            return None
        instants.append(instant)
    times = np.array(instants, dtype=_MICROSECONDS)
    unique, first = np.unique(times, return_index=True)
    if len(unique) < len(times):
        again = int(np.setdiff1d(np.arange(len(times)), first)[0])
        (place / f"row {again + 2}, time").refuse(str(instants[again]), "each time once")
        return None
    return times


def _values(column: Any, name: str, place: Place) -> NDArray[np.float64] | None:
    from pyarrow import types  # noqa: PLC0415 - loaded by now

    if not (types.is_floating(column.type) or types.is_integer(column.type)):
        (place / name).refuse(f"a column of {column.type}", "numbers only")
        return None
    values = np.asarray(column.to_numpy(), dtype=np.float64)
    wrong = np.flatnonzero(~(np.abs(values) <= LARGEST))
    if wrong.size:
        at, shown = int(wrong[0]), float(values[wrong[0]])
        stated = "nothing" if np.isnan(shown) else shown
        (place / f"row {at + 2}, {name}").refuse(stated, "a number at each time")
        return None
    return values
