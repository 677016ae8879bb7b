"""The scheduler as a process: its ready line, its stop, and what a kill leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

PARENT = "projects/p/locations/europe-north1"
NAME = f"{PARENT}/jobs/guard"


class Target:
    """An HTTP server that keeps the times that requests were scheduled for."""

    def __init__(self):
        self.fires = []
        self.answer = lambda _nth: 200
        self._changed = threading.Condition()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                with target._changed:
                    target.fires.append(self.headers["X-CloudScheduler-ScheduleTime"])
                    target._changed.notify_all()
                    number = len(target.fires)
                status = target.answer(number)
                # Whoever asked may have been killed.
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass

            def log_message(self, *_args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/guard"

    def wait(self, count):
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.fires) >= count, 10)
        assert enough, self.fires

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def target():
    server = Target()
    yield server
    server.close()


@pytest.fixture
def set_clock(tmp_path):
    path = tmp_path / "clock.json"

    def move(instant):
        offset = datetime.fromisoformat(instant) - datetime.now(UTC)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
        fresh.replace(path)

    move("2026-10-24T10:29:20+00:00")
    return move


@pytest.fixture
def start(tmp_path, set_clock):
    processes, clients = [], []

    def run():
        folders = (
            "--data-dir",
            str(tmp_path / "data"),
            "--clock-file",
            str(tmp_path / "clock.json"),
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "emulators.scheduler", *folders],
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        ready = json.loads(process.stdout.readline())
        assert ready == {"ready": "scheduler", "port": ready["port"]}
        clients.append(httpx.Client(base_url=f"http://127.0.0.1:{ready['port']}/v1/"))
        return process, clients[-1]

    yield run
    for client in clients:
        client.close()
    for process in processes:
        process.kill()
        process.communicate(timeout=10)


def create(api, target, **fields):
    http = {"uri": target.url}
    job = {"name": NAME, "schedule": "* * * * *", "httpTarget": http} | fields
    return api.post(f"{PARENT}/jobs", json=job).json()


def until(api, condition):
    deadline = time.monotonic() + 10
    while not condition(job := api.get(NAME).json()):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
    return job


def end(process, number=signal.SIGKILL):
    process.send_signal(number)
    return process.wait(10)


def test_kill__keeps_jobs_and_fires_nothing_twice(start, set_clock, target):
    process, api = start()
    create(api, target, description="guard", retryConfig={"retryCount": 2})
    set_clock("2026-10-24T10:30:00+00:00")
    fired = until(api, lambda job: job.get("status") == {})
    end(process)
    process, api = start()
    assert api.get(NAME).json() == fired
    # What it missed while it was down comes once.
    end(process)
    set_clock("2026-10-24T10:34:10+00:00")
    process, api = start()
    target.wait(2)
    until(api, lambda job: job["scheduleTime"] == "2026-10-24T10:35:00Z")
    set_clock("2026-10-24T10:35:00+00:00")
    target.wait(3)
    minutes = [fire[14:16] for fire in target.fires]
    assert minutes == ["30", "34", "35"]


def test_kill__in_the_middle_of_an_attempt_makes_it_again(start, set_clock, target):
    release = threading.Event()
    target.answer = lambda nth: 200 if nth > 1 or release.wait(20) else 500
    process, api = start()
    create(api, target)
    set_clock("2026-10-24T10:30:00+00:00")
    target.wait(1)
    end(process)
    _, api = start()
    target.wait(2)
    until(api, lambda job: job.get("status") == {})
    release.set()
    assert target.fires == ["2026-10-24T10:30:00+00:00"] * 2


def test_kill__between_two_attempts_keeps_the_retry(start, set_clock, target):
    target.answer = lambda nth: 503 if nth == 1 else 200
    retries = {"retryCount": 5, "minBackoffDuration": "1s"}
    process, api = start()
    create(api, target, schedule="30 10 * * *", retryConfig=retries)
    set_clock("2026-10-24T10:30:00+00:00")
    until(api, lambda job: job.get("status"))
    # The retry is a second away.
    end(process)
    _, api = start()
    until(api, lambda job: job["status"] == {})
    assert target.fires == ["2026-10-24T10:30:00+00:00"] * 2


def test_stop__ends_soon_whatever_is_in_flight(start, set_clock, target):
    release = threading.Event()
    target.answer = lambda _nth: 200 if release.wait(20) else 500
    process, api = start()
    create(api, target)
    api.post(f"{NAME}:run")
    target.wait(1)
    api.close()
    began = time.monotonic()
    assert end(process, signal.SIGTERM) == 0
    assert time.monotonic() - began < 3
    release.set()
