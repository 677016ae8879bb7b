"""The failure table of the docs names tests that exist, and every alert that it names is raised."""

import re

from examples import ROOT

TABLE = (ROOT / "docs" / "failures.md").read_text(encoding="utf-8")


def test_failure_table__every_row_names_a_test_that_is_there():
    told, _, _ = TABLE.partition("## See it break")
    rows = [line for line in told.splitlines() if line.startswith("| ") and "---" not in line]
    files = [
        path
        for folder in ("unit/pipeline", "unit/adapters", "contract")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
    ]
    modules = {path.stem for path in files}
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    cases = [row for row in rows if "| case |" not in row]
    assert len(cases) > 20
    for row in cases:
        named = re.findall(r"`(test_\w+)\*?`", row.rsplit("|", 2)[-2])
        tests = [name for name in named if name not in modules]
        assert tests, row
        for test in tests:
            assert f"def {test}" in sources, f"{test} of the row: {row}"


def test_failure_table__alerts_are_those_that_the_pipeline_raises():
    pipeline = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ("domain", "pipeline")
        for path in (ROOT / "shared" / "hydrobid" / room).glob("*.py")
    )
    for code in set(re.findall(r"(?:CRITICAL|WARNING) `([A-Z_]+)`", TABLE)):
        assert f'"{code}"' in pipeline, code
