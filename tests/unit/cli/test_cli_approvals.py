"""People decide on bids from the command line, over a whole pipeline in this process."""

from __future__ import annotations

import csv
import io
import json
from types import SimpleNamespace

import pytest
from approver import with_policy
from examples import DAY, SINTEF, published, with_asset_fields
from scripted import AREA, Delivering

from hydrobid.cli import approvals, desk
from hydrobid.cli.report.bid_table import bid_table
from hydrobid.domain.curve import BidMatrix
from hydrobid.pipeline.blobs import get_blob


@pytest.fixture
def cloud(sintef_inputs, monkeypatch, request):
    """A pipeline with a bid that waits for two people, or as the test's policy has it."""
    policy = getattr(request, "param", {"approval": "four_eyes"})
    inputs = with_policy(with_asset_fields(sintef_inputs, method={"name": "water_value"}), **policy)
    pipeline = published(inputs)
    pipeline.run(SINTEF, DAY)
    console = SimpleNamespace(
        pipeline=pipeline,
        clock=pipeline.clock,
        documents=lambda _: pipeline.documents,
        messages=lambda _: Delivering(pipeline),
    )
    state = SimpleNamespace(clients=(SINTEF,))
    for module in (approvals, desk):
        monkeypatch.setattr(module, "connect", lambda _: (console, state))
    return console


required = pytest.mark.parametrize("cloud", [{"approval": "required"}], indirect=True)


def waiting(command) -> dict:
    (bid,) = json.loads(command("pending", SINTEF, "--json").stdout)["bids"]
    return bid


def test_pending__what_an_approver_needs(command, cloud):
    bid = waiting(command)
    shown = command("pending", SINTEF).output

    assert (bid["price_area"], bid["people"], bid["day"]) == (AREA, 2, DAY.isoformat())
    assert bid["expected_energy"] > 0
    assert bid["matrix"][:12] in shown
    assert "2 to approve" in shown


def test_approve__two_people__it_stands(command, cloud):
    name = waiting(command)["matrix"][:12]

    first = command("approve", SINTEF, name, "--by", "anna")
    assert first.exit_code == 0
    assert "is approved by anna, and waits for 1 more to approve it" in first.output
    assert cloud.pipeline.exchange.orders == {}
    assert "approved by anna" in command("pending", SINTEF).output

    second = command("approve", SINTEF, name, "--by", "bo")
    assert second.exit_code == 0
    assert "approved by anna and bo" in second.output
    assert "The exchange shows it so." in second.output
    assert len(cloud.pipeline.exchange.orders) == 1
    assert "Nothing waits for approval." in command("pending", SINTEF).output


@required
def test_reject__needs_a_reason_and_sends_nothing(command, cloud):
    name = waiting(command)["matrix"]
    assert command("reject", SINTEF, name).exit_code == 2

    rejected = command("reject", SINTEF, name, "--reason", "too much at night", "--by", "anna")

    assert rejected.exit_code == 0
    assert "rejected by anna" in rejected.output
    assert cloud.pipeline.exchange.orders == {}


def test_approve__what_names_no_bid__exit_code_2(command, cloud):
    result = command("approve", SINTEF, "abcdef")

    assert result.exit_code == 2
    assert "the digest of an open bid" in result.output


@required
def test_override__a_stretch_of_the_day__another_person_approves(command, cloud):
    before = waiting(command)["matrix"]
    changed = command(
        "override", SINTEF, before[:12], "--at-most", "300", "--from", "08:00", "--to", "12:00",
        "--reason", "unit 2 is out", "--by", "anna",
    )  # fmt: skip
    assert changed.exit_code == 0
    assert "waits for 1 more to approve it" in changed.output

    bid = waiting(command)
    assert bid["override"]["by"] == "anna"
    assert "changed by anna: unit 2 is out" in command("pending", SINTEF).output
    own = command("approve", SINTEF, bid["matrix"], "--by", "anna")
    assert own.exit_code == 1
    assert "another person has to approve it" in own.output
    assert command("approve", SINTEF, bid["matrix"], "--by", "bo").exit_code == 0
    (order,) = cloud.pipeline.exchange.orders.values()
    tops = [order.matrix.volume(curve.lots[-1]) for curve in order.matrix.curves]
    assert [at for at, top in enumerate(tops) if top == 300.0] == list(range(32, 48))


@required
def test_override__curves_from_the_files_of_a_run(command, cloud, tmp_path):
    view = cloud.pipeline.run(SINTEF, DAY)
    matrix = view.areas[AREA].matrix
    content = BidMatrix.from_document(get_blob(cloud.pipeline.documents, matrix))
    rows = list(csv.reader(io.StringIO(bid_table({AREA: content}))))
    for row in rows[1:]:
        row[3] = str(min(float(row[3]), 100.0))
    file = tmp_path / "bid_matrix.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)

    changed = command(
        "override", SINTEF, matrix, "--curves", str(file), "--reason", "less", "--json"
    )

    told = json.loads(changed.stdout)
    assert told["matrix"] != matrix
    bid = waiting(command)
    assert (bid["volume_max"], bid["override"]["reason"]) == (100.0, "less")


@required
@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ((), "one of --volume, --at-most, --at-least"),
        (("--volume", "10", "--at-most", "10"), "one of --volume"),
        (("--computed", "--from", "08:00"), "one of --volume"),
        (("--volume", "ten"), "a number with a decimal point"),
        (("--volume", "1e9"), "less than or equal to 1000000"),
        (("--volume", "1.05"), "a multiple of 0.1 MW"),
        (("--at-most", "10", "--from", "08:07"), "the start of one of the day's MTUs"),
        (("--at-most", "10", "--from", "tomorrow"), "ISO 8601 with an offset"),
    ],
)
def test_override__bad_options__exit_code_2(command, cloud, options, fault):
    name = waiting(command)["matrix"]

    result = command("override", SINTEF, name, "--reason", "x", *options)

    assert result.exit_code == 2
    assert fault in result.output
    assert waiting(command)["matrix"] == name


@required
def test_override__beyond_the_units__told_and_not_written(command, cloud):
    name = waiting(command)["matrix"]

    result = command("override", SINTEF, name, "--volume", "5000", "--reason", "x")

    assert result.exit_code == 1
    assert "within what the assets can do" in result.output
    assert waiting(command)["matrix"] == name


@required
def test_dry_run__what_would_be_sent_is_shown_and_kept__nothing_is_placed(command, cloud, tmp_path):
    name, file = waiting(command)["matrix"][:12], tmp_path / "requests.json"

    shown = command("dry-run", SINTEF, name, "--reason", "try", "--by", "anna", "--requests", file)

    assert shown.exit_code == 0, shown.output
    assert f"{AREA}: auction nordic-{DAY}" in shown.output
    assert "Nothing speaks against it, and nothing was placed." in shown.output
    assert [r["portfolio"] for r in json.loads(file.read_text())] == [SINTEF]
    assert cloud.pipeline.exchange.orders == {}


@required
def test_dry_run__what_speaks_against_it__exit_code_1(command, cloud):
    cloud.pipeline.exchange.limit = 1
    name = waiting(command)["matrix"]

    result = command("dry-run", SINTEF, name, "--reason", "try", "--json")

    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["dry_run"]["findings"]
    assert finding["code"] == "EXCHANGE_VOLUME_LIMIT"
