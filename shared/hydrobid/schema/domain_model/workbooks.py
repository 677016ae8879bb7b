"""A sheet of an Excel workbook as the CSV that it would be saved as: the values, and nothing else.

openpyxl is loaded when the first workbook is read. It goes row by row, so that a sheet that is said to
be huge costs no more than what it holds, and is handed no more than was looked at here.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from datetime import date, datetime, time
from pathlib import PurePath
from typing import Any

from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.tables import MAX_BYTES

SUFFIX = ".xlsx"
MAX_PARTS = 1000
MAX_COLUMNS = 5000
MAX_CELLS = 2_000_000
MAX_TEXT = 32_767
MAX_ROW = 1_048_576
_FOREIGN = {
    "xl/externalLinks/": "no links to other workbooks",
    "xl/vbaProject": "no macros",
    "xl/connections": "no connections to other sources",
}
_FORMULA, _ERROR = "f", "e"


def is_workbook(file: str) -> bool:
    """Return whether a file's name says that it is a workbook."""
    return PurePath(file).suffix.lower() == SUFFIX


def csv_of(content: bytes, sheet: str | None, place: Place) -> bytes | None:
    """Return a sheet as CSV text, empty rows kept as such, or None once what is wrong is noted.

    sheet: its name; None where the workbook has one only. A cell is its value as text: a time as ISO
    8601, midnight as its date. What a formula would give is not asked for: formulas are refused.
    """
    before = len(place.findings)
    try:
        if not _parts_fit(content, place):
            return None
        from openpyxl import load_workbook  # noqa: PLC0415 - a tenth of a second that only workbooks are worth

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and the like, which nobody asks for
            workbook = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            try:
                text = _text_of(_chosen(workbook, sheet, place), place)
            finally:
                workbook.close()
    except Exception as error:  # noqa: BLE001 - there is hardly one that a damaged workbook does not raise
        place.refuse(
            str(error) or type(error).__name__, "an Excel workbook (.xlsx) that can be read"
        )
        return None
    return text if len(place.findings) == before else None


def _parts_fit(content: bytes, place: Place) -> bool:
    """Return whether a workbook is of a size to be unpacked, and by itself; note where it is not.

    What its parts say of their sizes is what is unpacked of them at most.
    """
    before = len(place.findings)
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return False
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if size > MAX_BYTES or len(parts) > MAX_PARTS:
        expected = f"at most {MAX_BYTES} bytes in {MAX_PARTS} parts, unpacked"
        (place / "size").refuse(f"{size} bytes in {len(parts)} parts", expected)
    for part in parts:
        for beginning, expected in _FOREIGN.items():
            if part.filename.startswith(beginning):
                (place / "parts").refuse(part.filename, f"a workbook by itself: {expected}")
    return len(place.findings) == before


def _chosen(workbook: Any, sheet: str | None, place: Place) -> Any:
    """Return the sheet of that name, or the only one; None once it is noted that there is none."""
    known = {found.title: found for found in workbook.worksheets}
    if sheet is None and len(known) == 1:
        return next(iter(known.values()))
    if sheet not in known:
        (place / "sheet").refuse(sheet, f"one of its sheets by name: {one_of(sheet or '', known)}")
    return known.get(sheet or "")


def _text_of(sheet: Any, place: Place) -> bytes | None:
    if sheet is None:
        return None
    sheet.reset_dimensions()  # what it says of its size need not be so
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    width = cells = blank = 0
    for number, row in enumerate(sheet.iter_rows(max_row=MAX_ROW), start=1):
        cells += len(row)
        if cells > MAX_CELLS or text.tell() > MAX_BYTES:
            expected = f"at most {MAX_CELLS} cells and {MAX_BYTES} bytes of text"
            (place / "rows").refuse(f"more, in {number} rows", expected)
            return None
        values = [_text(cell, place / f"row {number}") for cell in row]
        while values and not values[-1]:
            values.pop()
        if number == 1:
            width = len(values)
            if not 0 < width <= MAX_COLUMNS:
                (place / "header").refuse(f"{width} columns", f"1 to {MAX_COLUMNS}, named in row 1")
                return None
        if len(values) > width:
            stated = f"{len(values)} cells"
            (place / f"row {number}").refuse(stated, f"{width} cells, as the header in row 1")
        if not values:
            blank += 1
            continue
        text.write("\n" * blank)
        blank = 0
        writer.writerow([*values, *[""] * (width - len(values))])
    return text.getvalue().encode()


def _text(cell: Any, place: Place) -> str:
    """Return a cell's value as CSV has it; a fault is noted at the cell's column, and is no text."""
    value = cell.value
    if value is None:
        return ""
    expected = _expected(value, cell.data_type)
    if expected is not None:
        (place / cell.column_letter).refuse(_shown(value), expected)
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value if isinstance(value, str) else repr(value)


def _expected(value: Any, data_type: str) -> str | None:
    """Return what would be right in place of a cell's value, None where it is."""
    if data_type in (_FORMULA, _ERROR):
        return "a value: paste what the formula gives"
    if not isinstance(value, str | int | float | datetime | date | time):
        return "text, a number, true or false, or a time"
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"at most {MAX_TEXT} characters"
    return None


def _shown(value: Any) -> str:
    """Return a value for a message; of a formula over several cells, its text."""
    return str(getattr(value, "text", value))
