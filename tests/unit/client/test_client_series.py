"""Series from Python: pushed, listed, and taken from a folder."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from examples import MORNING, PRICE_COLUMNS, sintef_prices

from hydrobid.client.watching import FolderFiles
from hydrobid.domain.errors import FileGone, InvalidInput, ServiceUnavailable
from hydrobid.domain.series import SeriesKind
from hydrobid.pipeline.publish_inputs import current_inputs


def prices(factor: float) -> str:
    return PRICE_COLUMNS + sintef_prices(factor)


def put(folder, name: str, content: str, age: float | None = None):
    """Write a file as if some seconds before the pipeline's present; now, if None."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    if age is not None:
        at = MORNING.timestamp() - age
        os.utime(path, (at, at))
    return path


def test_push__a_path_or_bytes__and_how_the_series_stands_then(client, tmp_path):
    path = put(tmp_path, "nov.csv", prices(1.5))

    first = client.push("prices", path, by="anna")
    again = client.push(SeriesKind.PRICES, path.read_bytes(), name="nov.csv")

    assert (first.outcome, again.outcome) == ("new", "unchanged")
    (state,) = client.series()
    assert (state.kind, state.file, state.by) == ("prices", "nov.csv", "anna")
    assert [one.content for one in client.publications()] == [state.content]


def test_push__what_is_not_said(client):
    with pytest.raises(InvalidInput, match="one of prices, scenario_inflows, inflows, levels"):
        client.push("price", b"", name="x.csv")
    with pytest.raises(InvalidInput, match="name"):
        client.push("prices", b"")


def test_watcher__files_are_taken_once_in_the_order_in_which_they_were_written(client, tmp_path):
    put(tmp_path, "prices/new.csv", prices(1.2), 10)
    put(tmp_path, "prices/old.csv", prices(1.5), 20)
    put(tmp_path, "prices/half-written.csv", "scen")
    put(tmp_path, "prices/notes.txt", "scen", 10)
    watcher = client.watcher(tmp_path)

    taken = watcher.look()

    assert [(one.name, one.pushed.outcome) for one in taken] == [
        ("prices/old.csv", "new"),
        ("prices/new.csv", "new"),
    ]
    assert watcher.look() == []
    (state,) = client.series()
    assert state.file == "new.csv"
    # Whoever starts again ends with the same.
    client.watcher(tmp_path).look()
    (again,) = client.series()
    assert again.content == state.content


def test_watcher__a_refused_file_is_told_and_taken_once_it_is_mended(client, pipeline, tmp_path):
    put(tmp_path, "prices/nov.csv", "price\n1\n", 20)
    watcher = client.watcher(tmp_path)

    (refused,) = watcher.look()
    assert isinstance(refused.error, InvalidInput)
    assert watcher.look() == []
    put(tmp_path, "prices/nov.csv", prices(1.5), 5)
    (taken,) = watcher.look()

    assert taken.pushed.outcome == "new"
    (alert,) = pipeline.documents.find("alerts").values()
    assert (alert["code"], alert["resolved"] is None) == ("INPUT_FILE_REFUSED", False)


def test_watcher__the_cloud_does_not_answer__the_next_look_takes_the_file(
    client, pipeline, tmp_path, monkeypatch
):
    put(tmp_path, "prices/nov.csv", prices(1.5), 5)
    watcher = client.watcher(tmp_path)

    def silent(_):
        raise ServiceUnavailable("later")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.messages, "publish", silent)
        with pytest.raises(ServiceUnavailable):
            watcher.look()

    (taken,) = watcher.look()
    assert taken.pushed.outcome == "unchanged"
    assert SeriesKind.PRICES in current_inputs(pipeline.documents).series


def test_folder_files__written_again_or_gone(tmp_path):
    path = put(tmp_path, "prices/nov.csv", "x", 5)
    written = path.stat().st_mtime_ns
    files = FolderFiles(tmp_path)
    assert files.read("prices/nov.csv", str(written)) == b"x"
    with pytest.raises(FileGone):
        files.read("prices/nov.csv", str(written - 1))
    with pytest.raises(FileGone):
        files.read("prices/dec.csv", str(written))


def test_series__that_a_policy_misses__are_listed_as_well(client, pipeline, sintef_inputs):
    from hydrobid.pipeline.publish_inputs import publish_inputs

    stated = sintef_inputs.configuration["configuration"]
    policy = {"freshness": {"prices": {"hours": 1, "if_stale": "refuse"}, "levels": {"hours": 6}}}
    configuration = {**sintef_inputs.configuration, "configuration": {**stated, "inputs": policy}}
    ports = (pipeline.documents, pipeline.clock)
    publish_inputs(*ports, configuration, sintef_inputs.scenario_sets)

    missing = {(s.kind, s.name): s.lacks for s in client.series()}
    assert list(missing) == [("levels", ""), ("prices", next(iter(sintef_inputs.scenario_sets)))]

    measured = pipeline.clock.now() - timedelta(hours=7)
    rows = f"time,Reservoir1\n{measured.isoformat()},890\n"
    client.push("levels", rows.encode(), name="levels.csv")
    level = next(s for s in client.series() if s.kind is SeriesKind.LEVELS)
    assert level.measured == measured
    assert "7.0 h ago" in level.lacks
