"""Firestore as a process: its ready line, its stop, and what a kill leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest
from google.api_core import exceptions
from google.cloud import firestore


class Process:
    def __init__(self, folder, clock_file=None):
        arguments = ["--data-dir", str(folder)]
        if clock_file is not None:
            arguments += ["--clock-file", str(clock_file)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "emulators.firestore", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.communicate()[1])
        self.ready = json.loads(line)

    def end(self, number=signal.SIGKILL):
        """Signal the process; return its exit code and what it wrote to standard error."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        _, errors = self._process.communicate(timeout=5)
        return self._process.returncode, errors


@contextmanager
def running(folder, clock_file=None):
    process = Process(folder, clock_file)
    try:
        yield process
    finally:
        process.end()


@pytest.fixture
def connect(monkeypatch):
    """A function that opens a client of a running process."""

    @contextmanager
    def connected(process):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{process.ready['port']}")
        with closing(firestore.Client(project="p")) as client:
            yield client

    return connected


def test_process__announces_itself_and_stops_on_sigterm(tmp_path, connect):
    process = Process(tmp_path)
    assert process.ready["ready"] == "firestore"
    with connect(process) as client:
        client.document("c/d").set({"n": 1})
    started = time.monotonic()
    assert process.end(signal.SIGTERM) == (0, "")
    assert time.monotonic() - started < 2


def test_process__killed_in_full_flight_keeps_every_acknowledged_write(tmp_path, connect):
    """Given writers that note what was acknowledged, when the process is killed, all of it stands."""
    acknowledged = [0, 0, 0]
    enough = threading.Event()
    with running(tmp_path) as process, connect(process) as client:

        def write(worker):
            reference = client.document(f"c/{worker}")
            for number in range(1, 100_000):
                try:
                    batch = client.batch()
                    batch.set(reference, {"n": number})
                    batch.set(client.document(f"c/{worker}-twin"), {"n": number})
                    batch.commit(timeout=2, retry=None)
                except exceptions.GoogleAPICallError:
                    return
                acknowledged[worker] = number
                if number == 50:
                    enough.set()

        writers = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
        for writer in writers:
            writer.start()
        assert enough.wait(20)
        process.end()
        for writer in writers:
            writer.join(20)
    with running(tmp_path) as process, connect(process) as client:
        for worker, number in enumerate(acknowledged):
            stands = client.document(f"c/{worker}").get().get("n")
            assert stands in (number, number + 1)  # the last one may have gone unacknowledged
            assert client.document(f"c/{worker}-twin").get().get("n") == stands


def test_restart__ends_transactions_and_keeps_times_in_order(tmp_path, connect):
    with running(tmp_path) as process, connect(process) as client:
        before = client.document("c/d").set({"n": 1}).update_time
        transaction = client.transaction()
        transaction._begin()
        client.document("c/d").get(transaction=transaction)
    clock_file = tmp_path / "clock.json"
    clock_file.write_text(json.dumps({"offset_seconds": -86_400.0}))
    with running(tmp_path, clock_file) as process, connect(process) as client:
        transaction._client = client
        with pytest.raises(exceptions.Aborted):
            transaction._commit()
        assert client.document("c/d").set({"n": 2}).update_time > before
        assert client.document("c/d").get(read_time=before).get("n") == 1


def test_commit_time__follows_the_markets_clock(tmp_path, connect):
    clock_file = tmp_path / "clock.json"
    with running(tmp_path, clock_file) as process, connect(process) as client:
        first = client.document("c/d").set({"n": 1}).update_time
        clock_file.write_text(json.dumps({"offset_seconds": 7200.0}))
        second = client.document("c/d").set({"n": 2}).update_time
        assert 7200 <= (second - first).total_seconds() < 7260


def test_process__second_one_on_the_same_folder_does_not_start(tmp_path):
    with running(tmp_path), pytest.raises(RuntimeError, match="another emulator"):
        Process(tmp_path)
