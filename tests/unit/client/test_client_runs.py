"""Runs from Python: started, followed, and read as tables and frames."""

from __future__ import annotations

import runpy
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from examples import DAY, PRICE_COLUMNS, ROOT, SINTEF, sintef_prices

import hydrobid.client
from hydrobid.adapters.workflows import Execution
from hydrobid.client import AsyncPlatform
from hydrobid.client.errors import MissingPackage, RunFailed
from hydrobid.domain.errors import GateClosed, InvalidInput, NotFound
from hydrobid.domain.states import RunState


def test_start__the_next_open_day_is_bid_and_followed_to_its_end(client):
    run = client.start()

    assert list(run.follow()) == [RunState.SUBMITTED]
    assert (str(run.id), run.state) == (f"nordic~{DAY}~r1", RunState.SUBMITTED)
    assert run.wait() is RunState.SUBMITTED
    assert run.summary()["state"] == "submitted"
    assert run.trail_faults() == []
    again = client.start(DAY)
    assert (again.wait(), again.id) == (RunState.SUBMITTED, run.id)


def test_start__a_day_whose_gate_has_closed__is_refused_as_the_platform_has_it(client, pipeline):
    pipeline.clock.advance(timedelta(hours=2))
    run = client.start(DAY)
    with pytest.raises(GateClosed):
        run.wait()
    with pytest.raises(NotFound, match="not planned yet"):
        _ = run.id


def test_follow__an_execution_without_a_result__is_a_failed_run(client):
    run = client.start()
    console, name = client._console, run._of.execution
    console.ended[name] = Execution(name, "CANCELLED")
    with pytest.raises(RunFailed, match="CANCELLED"):
        run.wait()


def test_run__by_name_or_day__or_none(client):
    with pytest.raises(NotFound):
        client.run(DAY)
    started = client.start()
    started.wait()

    assert client.run(DAY).id == client.run(str(started.id)).id == started.id
    assert list(client.run(DAY).follow()) == [RunState.SUBMITTED]
    with pytest.raises(NotFound, match="no run"):
        client.run(f"nordic~{DAY}~r2")
    with pytest.raises(InvalidInput):
        client.run("r2")


def test_frame__curves_are_what_stands_at_the_exchange(client, pipeline):
    run = client.start()
    run.wait()
    (order,) = pipeline.exchange.orders.values()

    frame = run.frame("curves")

    first = frame[frame["start"] == frame["start"].min()]
    curve = order.matrix.curves[0]
    assert isinstance(frame, pd.DataFrame)
    assert first["price"].tolist() == [order.matrix.price(t) for t in curve.ticks]
    assert first["volume"].tolist() == [order.matrix.volume(v) for v in curve.lots]
    assert frame["start"].nunique() == 96
    assert str(frame["start"].dtype).endswith("UTC]")
    # Of a single asset the area's bid is the asset's.
    pd.testing.assert_frame_equal(run.frame("curves", run.view().plan.assets[0].asset), frame)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frame__every_table_in_either_package(client, kind):
    run = client.start()
    run.wait()
    for name in ("curves", "schedules", "prices", "outcomes", "events", "alerts"):
        table, frame = run.table(name), run.frame(name, kind=kind)
        assert isinstance(frame, pd.DataFrame if kind == "pandas" else pl.DataFrame)
        assert list(frame.columns) == list(table)
        assert len(frame) == len(next(iter(table.values())))
    assert len(run.frame("schedules", kind=kind)) == 2 * 96
    probabilities = np.asarray(run.frame("prices", kind=kind)["probability"])[::96]
    assert probabilities.sum() == pytest.approx(1)


def test_table__what_there_is_not__is_named(client):
    run = client.start()
    run.wait()
    with pytest.raises(NotFound, match="no result of NO2"):
        run.table("results")
    with pytest.raises(NotFound, match="no asset NO9"):
        run.table("prices", "NO9")
    with pytest.raises(NotFound, match="no bid NO9; one of NO2"):
        run.table("curves", "NO9")


def test_frame__a_package_that_is_not_there__names_the_extra(client, monkeypatch):
    run = client.start()
    run.wait()
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingPackage, match=r"pip install 'hydrobid\[polars\]'"):
        run.frame("events", kind="polars")


def test_platform__no_such_client(platform):
    with pytest.raises(InvalidInput, match=f"one of {SINTEF}"):
        platform.client("nobody-else")


def test_package__has_what_it_says():
    for name in hydrobid.client.__all__:
        assert getattr(hydrobid.client, name).__name__ == name
    with pytest.raises(AttributeError, match="no Nothing"):
        _ = hydrobid.client.Nothing


async def test_async__the_same_without_holding_up_the_loop(platform):
    client = AsyncPlatform(platform).client(SINTEF)
    prices = (PRICE_COLUMNS + sintef_prices(1.5)).encode()

    pushed = await client.push("prices", prices, name="prices.csv", by="somebody")
    run = await client.start()

    assert [state async for state in run.follow()] == [RunState.SUBMITTED]
    assert await run.state() is await run.wait() is RunState.SUBMITTED
    assert (await run.id()).revision == (await (await client.run(DAY)).id()).revision == 1
    assert len(await run.frame("outcomes", kind="polars")) == len(await run.frame("outcomes"))
    assert (await run.summary())["alerts"] == []
    assert (await run.table("alerts"))["code"] == []
    (state,) = await client.series()
    assert state.content == pushed.publication.content


def test_example__runs_as_written_and_draws(platform, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hydrobid.client, "connect", lambda: platform, raising=False)

    runpy.run_path(str(ROOT / "docs" / "examples" / "bid_curves.py"))

    assert capsys.readouterr().out.splitlines() == ["submitted", "Picture: out/bid-curves.png"]
    assert (tmp_path / "out" / "bid-curves.png").read_bytes().startswith(b"\x89PNG")
