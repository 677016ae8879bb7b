"""Documents of older versions are lifted to the newest, stepwise, and stored runs stay readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydrobid.domain.canonical import digest
from hydrobid.domain.errors import InvalidInput
from hydrobid.schema import configuration_of, read_client
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.versions import CANONICAL_VERSION, UPCASTERS, lifted
from hydrobid.schema.yaml_document import read_yaml

KEPT = Path(__file__).parent / "versions"
OLD = sorted(path for path in KEPT.glob("*/*.yaml") if path.parent.name != str(CANONICAL_VERSION))


def up(content):
    findings = Findings()
    return findings.settled(lifted(content, Place(findings, "x")))


def test_upcasters__one_for_each_step():
    assert list(UPCASTERS) == list(range(1, CANONICAL_VERSION))


def test_kept__a_fixture_of_every_version():
    assert {path.parent.name for path in OLD} == {str(n) for n in range(1, CANONICAL_VERSION)}


@pytest.mark.parametrize("path", OLD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_lifted__is_what_was_written_by_hand(path, example):
    name = path.stem
    newest = (KEPT / str(CANONICAL_VERSION) / path.name).read_bytes()

    old = read_client({**example(name), "client.yaml": path.read_bytes()}, name)

    assert old == read_client({**example(name), "client.yaml": newest}, name)


@pytest.mark.parametrize("path", OLD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_lifted__twice_is_lifted_once(path):
    content = read_yaml(path.read_bytes(), path.name)

    once = up(content)

    assert once["version"] == CANONICAL_VERSION
    assert up(once) == once
    assert content == read_yaml(path.read_bytes(), path.name)  # untouched


def test_lifted__cut_offs_to_budgets_that_leave_the_same_time():
    content = {"version": 1, "cut_offs": {"solve": 60, "approval": 20, "submission": 10}}

    stages = up(content)["stages"]

    assert stages["guard"] == 600
    assert stages["approve"]["timeout"] == 35 * 60  # 40 minutes, of which aggregation has five
    assert stages["submit"]["timeout"] == 60


@pytest.mark.parametrize(
    "cut_offs",
    [{"solve": 5, "approval": 10}, {"solve": "x"}, {"solv": 3}, [], {"solve": True}],
)
def test_lifted__what_were_no_cut_offs_is_refused_by_name(example, cut_offs):
    text = (KEPT / "1" / "sintef-example.yaml").read_text(encoding="utf-8")
    old = "cut_offs: {solve: 30, approval: 15, submission: 5}"
    assert old in text
    content = text.replace(old, f"cut_offs: {cut_offs}".replace("True", "true")).encode()

    with pytest.raises(InvalidInput) as caught:
        read_client({**example("sintef-example"), "client.yaml": content}, "x")

    assert [problem.field for problem in caught.value.problems] == ["cut_offs"]


@pytest.mark.parametrize("version", [0, 3, -1, "1", 1.0, 1.5, True, [], 10**30])
def test_lifted__a_version_that_is_not_known(files, version):
    content = files["client.yaml"].decode().replace("version: 1", f"version: {version!r}")
    content = content.replace("True", "true")

    with pytest.raises(InvalidInput) as caught:
        read_client({**files, "client.yaml": content.encode()}, "x")

    (problem,) = caught.value.problems
    assert (problem.field, "one of 1, 2" in problem.expected) == ("version", True)


def test_configuration_of__a_run_stored_before_there_were_stages(example):
    stored = read_client(example("sintef-example"), "sintef-example").configuration
    former = {k: v for k, v in stored["configuration"].items() if k != "stages"}
    (asset,) = former["assets"]
    former["assets"] = [{k: v for k, v in asset.items() if k != "coverage"}]
    former["assets"][0]["minimum_probability"] = 0.5
    former["cut_offs"] = {"solve": 30, "approval": 15, "submission": 5}
    before = digest(former)

    found = configuration_of({**stored, "configuration": former})

    assert found == configuration_of(stored)
    assert digest(former) == before
