"""run.json, bid_matrix.csv and orders.json, written from runs that went through the use cases."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hydrobid.cli.report import write_run
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import ForeignClient
from hydrobid.domain.identifiers import ClientId, Portfolio, PriceArea
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Put

CLIENT = ClientId("two-valleys")
FILES = ["run.json", "bid_matrix.csv", "orders.json", "report.html"]
TWO_AREAS = {"upper": "NO5", "lower": "NO5", "coast": "NO3"}


def _curves(path: Path) -> dict[str, dict[str, BidCurve]]:
    """Read curves back from the CSV: by area and MTU start, in tenths."""
    points: dict[str, dict[str, list[tuple[int, int]]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            price, volume = (Decimal(row[name]) * 10 for name in ("price", "volume"))
            assert price == int(price)
            assert volume == int(volume)
            mtus = points.setdefault(row["price_area"], {})
            mtus.setdefault(row["mtu_start"], []).append((int(price), int(volume)))
    return {
        area: {start: BidCurve(*zip(*curve, strict=True)) for start, curve in mtus.items()}
        for area, mtus in points.items()
    }


def test_write_run__submitted__csv_is_what_the_exchange_holds(world, client_documents, tmp_path):
    run = world.run(*client_documents(TWO_AREAS))

    written = write_run(tmp_path / "new" / "run", CLIENT, world.documents, run, [])

    assert [path.name for path in written] == FILES
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(FILES)
    curves = _curves(written[1])
    held = {order.matrix.price_area: order.matrix for order in world.exchange.orders.values()}
    assert set(curves) == set(held) == {"NO3", "NO5"}
    for area, matrix in held.items():
        assert isinstance(matrix, BidMatrix)
        starts = [utc_text(start) for start in matrix.grid.starts()]
        assert list(curves[area]) == starts
        assert tuple(curves[area].values()) == matrix.curves


def test_write_run__partial__run_json_tells_what_is_missing(world, client_documents, tmp_path):
    run = world.run(
        *client_documents({"valley": "NO2"}, chunk=1), failing=("s02",), unreachable=("s06",)
    )

    write_run(tmp_path, CLIENT, world.documents, run, [])

    told = json.loads((tmp_path / "run.json").read_text())
    assert (told["run"], told["state"], told["revision"]) == (str(run), "submitted", 1)
    asset, area = told["assets"]["valley"], told["areas"]["NO2"]
    assert asset["state"] == "PARTIAL"
    assert asset["scenarios"] == {"solved": 4, "failed": 1}
    assert asset["coverage"]["missing"] == {"s02": "INFEASIBLE", "s06": "SERVICE_UNAVAILABLE"}
    assert asset["coverage"]["probability"] == pytest.approx(4 / 6, abs=1e-6)
    assert area["order"]["standing"]["matrix"] == area["bid"]["matrix"]
    assert area["bid"]["partial"]
    assert "lease" not in area["order"]
    assert area["volume"]["energy_at_expected_price"] == pytest.approx(
        24 * area["volume"]["mean_at_expected_price"], abs=1e-4
    )
    assert set(told["plan"]["inputs"]["scenario_sets"]) == {"prices"}
    assert told["plan"]["cut_offs"]["gate"] == "2026-11-24T11:00:00Z"
    assert told["mtus"] == {"count": 24, "minutes": 60, "start": "2026-11-24T23:00:00Z"}
    # Planned once, four solved and one failed, the asset, the area, and the order's three.
    assert told["events"]["count"] == 1 + 5 + 1 + 1 + 3


def test_write_run__no_bid__leaves_a_heading_and_alerts(world, client_documents, tmp_path):
    scenarios = ("s01", "s02", "s03", "s04")
    run = world.run(*client_documents({"valley": "NO2"}), failing=scenarios)

    write_run(tmp_path, CLIENT, world.documents, run, [])

    told = json.loads((tmp_path / "run.json").read_text())
    assert told["state"] == "failed"
    assert [alert["code"] for alert in told["alerts"]] == ["ASSET_WITHOUT_BID", "AREA_WITHOUT_BID"]
    assert told["areas"]["NO2"]["order"] is None
    assert (tmp_path / "bid_matrix.csv").read_text() == "price_area,mtu_start,price,volume\n"


def test_write_run__unfinished__is_written_as_it_stands(world, client_documents, tmp_path):
    run = world.plan(*client_documents({"valley": "NO2"}))

    write_run(tmp_path, CLIENT, world.documents, run, [])

    told = json.loads((tmp_path / "run.json").read_text())
    assert told["state"] == "planned"
    assert told["assets"]["valley"]["state"] is None
    assert told["areas"]["NO2"] == {"bid": None, "order": None, "volume": None}
    assert "is planned and not yet begun" in (tmp_path / "report.html").read_text()


def test_write_run__twice__gives_the_same_bytes(world, client_documents, tmp_path):
    run = world.run(*client_documents(TWO_AREAS))
    orders = [{"orderId": "b", "curves": []}, {"state": "Accepted", "orderId": "a"}]

    first = write_run(tmp_path / "1", CLIENT, world.documents, run, orders)
    world.clock.advance(timedelta(hours=1))
    second = write_run(tmp_path / "2", CLIENT, world.documents, run, orders)

    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    assert json.loads((tmp_path / "1" / "orders.json").read_text()) == orders


def test_write_run__foreign_client__writes_nothing(world, client_documents, tmp_path):
    run = world.run(*client_documents({"valley": "NO2"}))

    with pytest.raises(ForeignClient) as raised:
        write_run(tmp_path / "run", ClientId("somebody-else"), world.documents, run, [])

    assert raised.value.details["belongs_to"] == "two-valleys"
    assert not (tmp_path / "run").exists()


def test_write_run__disk_gives_way__leaves_the_file_before(
    world, client_documents, tmp_path, monkeypatch
):
    run = world.run(*client_documents({"valley": "NO2"}))
    (tmp_path / "run.json").write_text("before")

    def give_way(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", give_way)
    with pytest.raises(OSError, match="no space left"):
        write_run(tmp_path, CLIENT, world.documents, run, [])

    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_text() == "before"


def test_write_run__refused_by_its_checks__keeps_the_bid_out_of_the_csv(
    world, client_documents, tmp_path
):
    run = world.run(*client_documents({"valley": "NO2", "coast": "NO3"}))
    path = paths.area(run, Portfolio("two-valleys"), PriceArea("NO2"))
    refused = {**world.documents.get(path), "state": "REFUSED", "approval": None}
    world.documents.commit(Put(path, refused))

    write_run(tmp_path, CLIENT, world.documents, run, [])

    assert set(_curves(tmp_path / "bid_matrix.csv")) == {"NO3"}
    page = (tmp_path / "report.html").read_text()
    assert "NO2: stopped by its checks and not sent" in page
