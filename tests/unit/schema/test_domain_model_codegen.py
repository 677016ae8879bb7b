"""The package of an operator's model: importable, typed, and the same each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from operator_models import changed, fell_client

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.domain_model.codegen import class_of, package_of, snake
from hydrobid.schema.domain_model.operator_model import model_in

ROOT = Path(__file__).parents[3]
MODEL = "model/model.yaml"
HIGHLAND = ROOT / "shared" / "operator-models" / "highland-example"

USE = """
from pathlib import Path
from fells import Instances, Lake

instances = Instances.read(Path("{folder}"))
top: Lake = instances.lake["Top"]
contents: float = top.contents
desk: str | None = instances.offer["glen"].book.desk if instances.offer["glen"].book else None
zone = instances.offer["glen"].zone
print(contents, top.warden, top.tags, desk, zone, instances.set["H1"].hill, instances.set["F1"].fit)
"""


def generated(files, folder):
    name, texts = package_of(model_in(files, "x"))
    package = folder / name
    package.mkdir()
    for file, text in texts.items():
        (package / file).write_text(text, encoding="utf-8")
    return name


def ran(folder, *command):
    environment = {**os.environ, "PYTHONPATH": str(folder), "MYPYPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=250,
        check=False,
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with the package of the small client's model, and the client's own folder in it."""
    folder = tmp_path_factory.mktemp("codegen")
    assert generated(fell_client(), folder) == "fells"
    for name, content in fell_client().items():
        path = folder / "client" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "use.py").write_text(USE.format(folder=folder / "client"), encoding="utf-8")
    return folder


def test_package__reads_instances_as_typed_values(package):
    done = ran(package, "-W", "error", "use.py")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("40.0 Ann ['high', 'cold'] night west [")
    assert done.stdout.endswith(" True\n")


def test_package__and_its_use_are_clean_under_strict_mypy(package):
    done = ran(package, "-m", "mypy", "--strict", "-p", "fells", "-m", "use")

    assert done.returncode == 0, done.stdout


def test_package__its_types_tell_a_wrong_use(package):
    wrong = "from fells import Lake\ndef f(lake: Lake) -> str:\n    return lake.contents + lake.contens\n"
    (package / "wrong.py").write_text(wrong, encoding="utf-8")

    done = ran(package, "-m", "mypy", "--strict", "-m", "wrong")

    assert 'has no attribute "contens"' in done.stdout


def test_package__of_another_version_is_not_read_with(package):
    model = package / "client" / MODEL
    mapping = package / "client" / "model" / "mapping.yaml"
    before = model.read_text(), mapping.read_text()
    model.write_text(before[0].replace("version: 3", "version: 4"))
    mapping.write_text(before[1].replace("model: 3", "model: 4"))
    try:
        done = ran(package, "use.py")
    finally:
        model.write_text(before[0])
        mapping.write_text(before[1])

    assert "version 3 of fells, not 4" in done.stderr


def test_package_of__is_the_same_each_time():
    assert package_of(model_in(fell_client(), "x")) == package_of(model_in(fell_client(), "y"))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("  Offer:\n", "  Field: {}\n  Offer:\n", "types.Field"),
        ("  Offer:\n", "  class: {}\n  Offer:\n", "types.class"),
        ("  Offer:\n", "  lake: {}\n  Offer:\n", "types.lake"),
        ("  Offer:\n", "  2nd: {}\n  Offer:\n", "types.2nd"),
        ("  Offer:\n", "  TurbineForm: {}\n  Offer:\n", "types.TurbineForm"),
        ("model: fells", "model: 7", "model"),
    ],
)
def test_package_of__refuses_names_that_python_has_no_room_for(old, new, field):
    with pytest.raises(InvalidInput) as caught:
        package_of(model_in(changed(fell_client(), MODEL, old, new), "x"))

    assert field in [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("name", "as_class", "as_field"),
    [
        ("Lake", "Lake", "lake"),
        ("generating_unit", "GeneratingUnit", "generating_unit"),
        ("Upper-Lake.v2", "UpperLakeV2", "upper_lake_v2"),
    ],
)
def test_names__as_python_writes_them(name, as_class, as_field):
    assert (class_of(name), snake(name)) == (as_class, as_field)


def test_example__tells_whom_to_call(tmp_path):
    files = {
        path.relative_to(HIGHLAND).as_posix(): path.read_bytes()
        for path in HIGHLAND.rglob("*")
        if path.is_file()
    }
    generated(files, tmp_path)

    done = ran(tmp_path, ROOT / "shared" / "operator-models" / "who_to_call.py", HIGHLAND)

    assert done.stdout == "Tarn in Upper-Valley is 70% up: call the farm by the dam\n", done.stderr
