"""Tables of scenarios in long form, held by column; the reader of CSV.

One schema for every file format: columns `scenario`, `price_area`, `time`, `price` and, where the
file states them, `probability`; of inflows `scenario`, `inflow`, `time` and `value`. Text columns are kept as distinct labels with a code a row, so that
checks look at each label once and at rows only through numpy.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hydrobid.schema.findings import MAX_PROBLEMS, Place, one_of

MAX_BYTES = 50_000_000
MAX_ROWS = 500_000


@dataclass(frozen=True)
class TableForm:
    """The columns of a table. group: what a series is of. value: of its numbers.

    has_probability: whether a column `probability` may stand beside these.
    """

    group: str
    value: str
    has_probability: bool = False

    @property
    def labels(self) -> tuple[str, str, str]:
        """The columns of text: scenario, group and time."""
        return ("scenario", self.group, "time")

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return (*self.labels, self.value)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may be there."""
        return (*self.required, *(("probability",) if self.has_probability else ()))


PRICES = TableForm("price_area", "price", has_probability=True)
INFLOWS = TableForm("inflow", "value")


@dataclass(frozen=True)
class Labels:
    """A text column: distinct labels, each in use, and (N,) codes into them."""

    names: tuple[str, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, column: Iterable[str]) -> Labels:
        """Return the labels of a column of text."""
        index: dict[str, int] = {}
        codes = [index.setdefault(label, len(index)) for label in column]
        return cls(tuple(index), np.asarray(codes, dtype=np.intp))

    @classmethod
    def coded(cls, labels: Sequence[str], codes: NDArray[np.intp]) -> Labels:
        """Return the labels of a column that comes as codes; some may stand for the same text."""
        used, column = np.unique(codes, return_inverse=True)
        index: dict[str, int] = {}
        merged = [index.setdefault(labels[code], len(index)) for code in used]
        return cls(tuple(index), np.asarray(merged, dtype=np.intp)[column])

    @cached_property
    def firsts(self) -> NDArray[np.intp]:
        """The position of the first row of each label."""
        return np.unique(self.codes, return_index=True)[1]


@dataclass(frozen=True)
class ScenarioTable:
    """N rows of one form. rows: (N,) row numbers as a spreadsheet counts them, for messages.

    group: of each row's series, a price area or an inflow. value: (N,) in the market's currency per
    MWh, or m3/s. probability: (N,), or None without that column.
    """

    form: TableForm
    rows: NDArray[np.intp]
    scenario: Labels
    group: Labels
    time: Labels
    value: NDArray[np.float64]
    probability: NDArray[np.float64] | None


def columns_fit(names: Sequence[str], form: TableForm, place: Place) -> bool:
    """Return whether a table has the columns it needs and no others, each once; note faults."""
    before = len(place.findings)
    header = place / "header"
    for name in form.required:
        if name not in names:
            expected = f"the columns {', '.join(form.required)}, with commas between"
            (header / name).refuse(None, expected)
    for name in names:
        if name not in form.columns:
            (header / name).refuse(name, f"a known column: {one_of(name, form.columns)}")
        elif names.count(name) > 1:
            (header / name).refuse(names.count(name), "each column once")
    return len(place.findings) == before


def read_csv(content: bytes, form: TableForm, place: Place) -> ScenarioTable | None:
    """Return the table that CSV text holds, or None once what is wrong is noted."""
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        (place / f"byte {error.start}").refuse(None, "text in UTF-8")
        return None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not columns_fit(header, form, place):
            return None
        numbers, cells = _rows(reader, len(header), place)
    except csv.Error as error:
        (place / f"row {reader.line_num}").refuse(str(error), "comma-separated cells")
        return None
    if not cells:
        (place / "rows").refuse(0, "a row for each scenario, price area and MTU")
        return None
    rows = np.asarray(numbers, dtype=np.intp)
    columns = dict(zip(header, zip(*cells, strict=True), strict=True))
    scenario, group, time = (Labels.of(map(str.strip, columns[name])) for name in form.labels)
    value = _numbers(columns[form.value], form.value, rows, place)
    stated = columns.get("probability")
    probability = None if stated is None else _numbers(stated, "probability", rows, place)
    return ScenarioTable(form, rows, scenario, group, time, value, probability)


def _rows(
    reader: Iterable[list[str]], width: int, place: Place
) -> tuple[list[int], list[list[str]]]:
    """Return row numbers and cells of each full row; note rows that are short or long."""
    numbers, cells = [], []
    for number, row in enumerate(islice(reader, MAX_ROWS + 1), start=2):
        if len(row) == width:
            numbers.append(number)
            cells.append(row)
        elif row:
            (place / f"row {number}").refuse(f"{len(row)} cells", f"{width} cells, as the header")
    if len(cells) > MAX_ROWS:
        (place / "rows").refuse(f"more than {MAX_ROWS}", f"at most {MAX_ROWS}")
    return numbers, cells


def _numbers(
    column: Sequence[str], name: str, rows: NDArray[np.intp], place: Place
) -> NDArray[np.float64]:
    """Return a column's numbers; a cell that holds none is noted and counts as 0 from there on."""
    try:
        return np.asarray([float(cell) for cell in column])
    except ValueError:
        numbers = [_number(cell) for cell in column]
    faulty = [at for at, number in enumerate(numbers) if number is None]
    for at in faulty[: MAX_PROBLEMS + 1]:
        expected = "a number with a decimal point, as 41.5"
        (place / f"row {rows[at]}, {name}").refuse(column[at], expected)
    return np.asarray([0.0 if number is None else number for number in numbers])


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
