"""The reader of Parquet scenario tables; pyarrow is loaded when the first one is read."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import numpy as np

from hydrobid.schema.findings import Place
from hydrobid.schema.tables import (
    MAX_BYTES,
    MAX_ROWS,
    Labels,
    ScenarioTable,
    TableForm,
    columns_fit,
)


def read_parquet(content: bytes, form: TableForm, place: Place) -> ScenarioTable | None:
    """Return the table that a Parquet file holds, or None once what is wrong is noted.

    `time` may be text, a time of day or a timestamp with a time zone. Rows count from 1.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - a third of a second that only Parquet is worth
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError:
        place.refuse("Parquet", "CSV, or an installation with pyarrow (the extra `cli`)")
        return None
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        names = file.schema_arrow.names
        if not (size_fits(file.metadata, place) and columns_fit(names, form, place)):
            return None
        return _table(file.read(), form, place)
    except (pa.ArrowException, OSError, ValueError) as error:
        place.refuse(str(error), "a Parquet file that can be read")
        return None


def parquet_columns(content: bytes) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns, none where it cannot be read."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - a third of a second that only Parquet is worth
        from pyarrow import parquet  # noqa: PLC0415 - as above

        return tuple(parquet.read_schema(pa.BufferReader(content)).names)
    except (ImportError, OSError, ValueError):  # pyarrow's own errors are of these
        return ()


def size_fits(metadata: Any, place: Place) -> bool:
    """Return whether a Parquet file is of a size to be read; note where it is not."""
    size = sum(
        metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)
    )
    if size > MAX_BYTES:
        (place / "size").refuse(size, f"at most {MAX_BYTES} bytes uncompressed")
    if not 0 < metadata.num_rows <= MAX_ROWS:
        (place / "rows").refuse(metadata.num_rows, f"1 to {MAX_ROWS}")
    return bool(size <= MAX_BYTES and 0 < metadata.num_rows <= MAX_ROWS)


def _table(table: Any, form: TableForm, place: Place) -> ScenarioTable | None:
    before = len(place.findings)
    columns = {name: table.column(name) for name in table.column_names}
    for name, column in columns.items():
        at = place / name
        if column.null_count:
            at.refuse(f"{column.null_count} empty cells", "a value in each row")
        elif name in form.labels and not _holds_labels(column.type, name):
            kinds = "text, a time of day or a timestamp with a time zone"
            at.refuse(f"a column of {column.type}", kinds if name == "time" else "text")
        elif name not in form.labels and not _holds_numbers(column.type):
            at.refuse(f"a column of {column.type}", "numbers")
    if len(place.findings) > before:
        return None
    numbers = {
        name: np.asarray(columns[name].to_numpy(), dtype=np.float64)
        for name in (form.value, "probability")
        if name in columns
    }
    scenario, group, time = (_labels(columns[name]) for name in form.labels)
    return ScenarioTable(
        form,
        np.arange(1, table.num_rows + 1),
        scenario,
        group,
        time,
        numbers[form.value],
        numbers.get("probability"),
    )


def _holds_labels(kind: Any, name: str) -> bool:
    from pyarrow import types  # noqa: PLC0415 - loaded by now

    kind = kind.value_type if types.is_dictionary(kind) else kind
    text = types.is_string(kind) or types.is_large_string(kind)
    dated = types.is_time(kind) or (types.is_timestamp(kind) and kind.tz is not None)
    return bool(text or (name == "time" and dated))


def _holds_numbers(kind: Any) -> bool:
    from pyarrow import types  # noqa: PLC0415 - loaded by now

    return bool(types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind))


def _labels(column: Any) -> Labels:
    encoded = column.combine_chunks()
    if not hasattr(encoded, "dictionary"):
        encoded = encoded.dictionary_encode()
    names = tuple(_text(label) for label in encoded.dictionary.to_pylist())
    return Labels.coded(names, np.asarray(encoded.indices.to_numpy(), dtype=np.intp))


def _text(label: str | time | datetime) -> str:
    return label.strip() if isinstance(label, str) else label.isoformat().removesuffix(":00")
