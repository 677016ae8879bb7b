"""Excel workbooks of an operator's model: what is read of them, and what hostile ones are refused for."""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook
from openpyxl.packaging.relationship import Relationship
from openpyxl.workbook.external_link import ExternalLink
from openpyxl.workbook.external_link.external import ExternalBook
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from operator_models import GAUGES, LAKES, changed, fell_client

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.domain_model.client import read_operator_client
from hydrobid.schema.domain_model.workbooks import csv_of
from hydrobid.schema.findings import Findings, Place

DAY = date(2026, 11, 26)
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def workbook(**sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return sink.getvalue()


def with_part(content: bytes, name: str, old: str, new: str) -> bytes:
    parts = parts_of(content)
    assert old in parts[name].decode()
    return packed({**parts, name: parts[name].decode().replace(old, new, 1).encode()})


def shared(content: bytes) -> bytes:
    """Return a workbook of one sheet whose text stands in a part of its own, as Excel writes it."""
    parts = {name: part.decode() for name, part in parts_of(content).items()}
    inline = re.compile(r't="inlineStr"><is>(<t[^>]*>[^<]*</t>)</is>')
    texts = list(dict.fromkeys(inline.findall(parts[SHEET])))
    parts[SHEET] = inline.sub(lambda match: f't="s"><v>{texts.index(match[1])}</v>', parts[SHEET])
    items = "".join(f"<si>{text}</si>" for text in texts)
    parts[STRINGS] = f'<sst xmlns="{SHEET_MAIN_NS}">{items}</sst>'
    override = f'<Override PartName="/{STRINGS}" ContentType="{SHARED_STRINGS}"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace("</Types>", override)
    return packed({name: part.encode() for name, part in parts.items()})


def read(content: bytes, sheet: str | None = None) -> list[list[str]]:
    findings = Findings()
    text = csv_of(content, sheet, Place(findings, "book.xlsx"))
    return list(csv.reader(io.StringIO(findings.settled(text).decode(), newline="")))


def refusals(content: bytes, sheet: str | None = None) -> dict[str, tuple[object, str]]:
    with pytest.raises(InvalidInput) as refused:
        read(content, sheet)
    return {p.field: (p.value, p.expected) for p in refused.value.problems}


def cells(text: str) -> list[list[object]]:
    """Return CSV as a spreadsheet has it: numbers as numbers."""

    def cell(value: str) -> object:
        try:
            return float(value)
        except ValueError:
            return value or None

    return [[cell(value) for value in row] for row in csv.reader(io.StringIO(text))]


def test_read_operator_client__sheets_say_the_same_as_csv():
    expected = read_operator_client(fell_client(), "x", DAY)
    gauges = [row if at == 0 else [datetime.fromisoformat(str(row[0])), *row[1:]]
              for at, row in enumerate(cells(GAUGES.replace("+01:00", "")))]  # fmt: skip
    utc = read_operator_client(
        {**fell_client(), "gauges.csv": GAUGES.replace("+01:00", "").encode()}, "x", DAY
    )
    book = workbook(Notes=[["made up"]], Lakes=cells(LAKES), Gauges=gauges)

    files = changed(fell_client(), "model/model.yaml", "[lakes.csv]", "[ours.xlsx], sheet: Lakes")
    assert read_operator_client({**files, "ours.xlsx": book}, "x", DAY) == expected
    files = changed(fell_client(), "model/model.yaml", "[gauges.csv]", "[ours.xlsx], sheet: Gauges")
    assert read_operator_client({**files, "ours.xlsx": book}, "x", DAY) == utc


def test_read_operator_client__a_fault_in_a_sheet_is_told_where_it_stands():
    rows = cells(LAKES)
    rows[1][LAKES.split(",").index("contents")] = "a lot"
    files = changed(fell_client(), "model/model.yaml", "[lakes.csv]", "[ours.xlsx]")

    with pytest.raises(InvalidInput) as refused:
        read_operator_client({**files, "ours.xlsx": workbook(Lakes=rows)}, "x", DAY)

    problem = refused.value.problems[0]
    assert (problem.document, problem.field) == ("x/ours.xlsx", "row 2, contents")
    assert problem.value == "a lot"


def test_csv_of__values_as_text_and_rows_where_they_stand():
    at = datetime.fromisoformat("1962-05-01T00:00")
    rows = [
        ["id", "figure", "whole", "fit", "opened", "since", "words"],
        ["a", 0.1, 12, True, at, at.replace(hour=13, minute=45), 'x, "y"\nz'],
        [],
        [7, None, -3, False, None, None, " é "],
    ]
    assert read(workbook(Lakes=rows)) == [
        ["id", "figure", "whole", "fit", "opened", "since", "words"],
        ["a", "0.1", "12", "true", "1962-05-01", "1962-05-01T13:45:00", 'x, "y"\nz'],
        [],
        ["7", "", "-3", "false", "", "", " é "],
    ]


def test_csv_of__a_sheet_by_name():
    book = workbook(Lakes=[["id"], ["Top"]], Plants=[["id"], ["High"]])

    assert read(book, "Plants") == [["id"], ["High"]]
    assert refusals(book, "Lake")["sheet"] == (
        "Lake",
        "one of its sheets by name: Lakes perhaps; one of Lakes, Plants",
    )
    assert refusals(book)["sheet"][0] is None


def test_csv_of__formulas_and_errors_are_refused_all_at_once():
    rows = [["id", "level"], ["a", "=B3*2"], ["b", "#N/A"], ["c", 1]]
    found = refusals(workbook(Lakes=rows))

    assert found == {
        "row 2.B": ("=B3*2", "a value: paste what the formula gives"),
        "row 3.B": ("#N/A", "a value: paste what the formula gives"),
    }


def test_csv_of__a_formula_with_a_stored_result_is_a_formula():
    book = with_part(workbook(L=[["id"], [5]]), SHEET, "<v>5</v>", "<f>1+4</f><v>5</v>")

    assert refusals(book)["row 2.A"][0] == "=1+4"


def linked() -> bytes:
    book = Workbook()
    book.worksheets[0].append(["id"])
    link = ExternalLink(externalBook=ExternalBook())
    link.file_link = Relationship(
        type="externalLinkPath", Target="other.xlsx", TargetMode="External"
    )
    book._external_links.append(link)
    return saved(book)


def test_csv_of__what_is_not_in_the_workbook_itself_is_refused():
    plain = workbook(L=[["id"], ["a"]])
    macros = packed({**parts_of(plain), "xl/vbaProject.bin": b"x"})
    connected = packed({**parts_of(plain), "xl/connections.xml": b"<connections/>"})

    assert "no links" in refusals(linked())["parts"][1]
    assert "no macros" in refusals(macros)["parts"][1]
    assert "no connections" in refusals(connected)["parts"][1]


def test_csv_of__a_bomb_is_refused_before_it_is_unpacked():
    plain = parts_of(workbook(L=[["id"], ["a"]]))
    bomb = packed({**plain, "xl/media/image1.png": bytes(60_000_000)})
    crowd = packed({**plain, **{f"xl/media/{at}.png": b"" for at in range(1001)}})
    assert len(bomb) < 100_000

    for content in (bomb, crowd):
        assert "at most 50000000 bytes in 1000 parts" in refusals(content)["size"][1]


def test_csv_of__a_bomb_that_lies_about_its_size_is_unpacked_as_far_as_it_says():
    plain = parts_of(workbook(L=[["id"], ["a"]]))
    plain[SHEET] += b"<!-- -->" + b" " * 60_000_000
    bomb = bytearray(packed(plain))
    with zipfile.ZipFile(io.BytesIO(bytes(bomb))) as archive:
        size = archive.getinfo(SHEET).file_size
    told = size.to_bytes(4, "little")
    assert bomb.count(told) == 2  # before the part, and in the directory
    lying = bytes(bomb).replace(told, (1000).to_bytes(4, "little"))

    assert refusals(lying)["content"][1] == "an Excel workbook (.xlsx) that can be read"


def test_csv_of__a_sheet_that_is_wide_and_long_but_empty_costs_nothing():
    book = Workbook()
    book.worksheets[0]["A1"] = "id"
    book.worksheets[0]["A1048576"] = "last"

    assert read(saved(book))[-1] == ["last"]
    book.worksheets[0]["XFD2"] = "far"
    assert refusals(saved(book))["row 2"] == ("16384 cells", "1 cells, as the header in row 1")
    book.worksheets[0]["XFD1"] = "name"
    assert refusals(saved(book))["header"][0] == "16384 columns"


def test_csv_of__more_cells_than_anybody_looks_at():
    book = Workbook()
    for row in range(1, 402):
        book.worksheets[0].cell(row, 5000, "far")

    assert "at most 2000000 cells" in refusals(saved(book))["rows"][1]


def test_csv_of__more_than_is_stated_of_a_sheet_is_read_all_the_same():
    book = with_part(workbook(L=[["id"], ["a"], ["b"]]), SHEET, 'ref="A1:A3"', 'ref="A1:A2"')

    assert read(book) == [["id"], ["a"], ["b"]]


def test_csv_of__a_long_text_many_times():
    book = shared(workbook(L=[["id", "x"], *([n, "y"] for n in range(2000))]))
    assert read(book)[1:3] == [["0", "y"], ["1", "y"]]
    long = with_part(book, STRINGS, "<t>y</t>", f"<t>{'y' * 30_000}</t>")
    longer = with_part(book, STRINGS, "<t>y</t>", f"<t>{'y' * 40_000}</t>")

    assert "bytes of text" in refusals(long)["rows"][1]
    assert refusals(longer)["row 2.B"][1] == "at most 32767 characters"


ENTITIES = (
    '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
)


@pytest.mark.parametrize("entities", ENTITIES)
def test_csv_of__entities_are_refused(entities: str):
    book = shared(workbook(L=[["id"], ["text"]]))
    for part in (SHEET, STRINGS):
        content = parts_of(book)
        content[part] = entities.encode() + content[part].replace(b"text", b"&a;")
        assert "can be read" in refusals(packed(content))["content"][1]


@pytest.mark.parametrize("content", [b"", b"id\na\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" * 200])
def test_csv_of__no_workbook(content: bytes):
    assert "can be read" in refusals(content)["content"][1]


@pytest.mark.parametrize("seed", range(3))
def test_csv_of__damaged(seed: int):
    print(f"seed {seed}")
    rng = random.Random(seed)
    sound = workbook(Lakes=cells(LAKES), Gauges=cells(GAUGES))
    for _ in range(40):
        if rng.random() < 0.3:
            content = bytearray(sound)
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        else:
            parts = parts_of(sound)
            name = rng.choice(sorted(parts))
            part = bytearray(parts[name])
            start = rng.randrange(len(part))
            part[start : start + rng.choice((1, 8, 200))] = rng.randbytes(rng.choice((0, 1, 20)))
            content = bytearray(packed({**parts, name: bytes(part)}))
        findings = Findings()
        text = csv_of(bytes(content), "Lakes", Place(findings, "book.xlsx"))
        assert (text is None) == bool(findings.problems)
        assert all(p.field and p.expected for p in findings.problems)
