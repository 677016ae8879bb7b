"""Processes that are started, recognised again and ended."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from hydrobid.local_cloud.errors import ProcessFailed
from hydrobid.local_cloud.processes import Service, await_ready, is_alive, start, stop

READY = """
import json, os, sys, time
print(json.dumps({"ready": "it", "told": os.environ.get("HYDROBID_TOLD")}), flush=True)
"""


def service(code: str, **environment: str) -> Service:
    """A process that runs a piece of Python."""
    return Service("it", (sys.executable, "-c", code), environment, 0, "announced")


@pytest.fixture
def started(tmp_path):
    """Start services that are over when the test is."""
    made = []

    def begin(service):
        made.append(start(service, tmp_path / "logs" / "it.log"))
        made[-1].go()
        return made[-1]

    yield begin
    stop([each.record for each in made])


def await_condition(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_start__what_this_process_was_told_is_not_passed_on(started, monkeypatch):
    monkeypatch.setenv("HYDROBID_TOLD", "this process")
    ignorant = started(service(READY + "time.sleep(60)"))
    await_ready([ignorant])
    told = started(service(READY + "time.sleep(60)", HYDROBID_TOLD="by its service"))
    await_ready([told])

    words = [json.loads(line)["told"] for line in told.log.read_text().splitlines()]
    assert words == [None, "by its service"]
    assert os.getsid(told.record.pid) == told.record.pid


def test_start__a_process_whose_starter_dies_before_the_go_ends_by_itself(tmp_path):
    log = tmp_path / "it.log"
    orphan = start(service(READY + "time.sleep(60)"), log)
    assert is_alive(orphan.record)

    os.close(orphan.gate)  # what the system does when whoever started it is killed

    await_condition(lambda: not is_alive(orphan.record))
    assert log.read_text() == ""


def test_await_ready__tells_the_last_words_of_a_process_that_ends(started):
    failing = started(service("raise SystemExit('no such market')"))

    with pytest.raises(ProcessFailed, match="it ended while starting") as failed:
        await_ready([failing])

    assert failed.value.details["last_words"] == ["no such market"]


def test_await_ready__words_of_an_earlier_start_do_not_count(started):
    await_ready([started(service(READY))])
    with pytest.raises(ProcessFailed) as failed:
        await_ready([started(service("print('again')"))])
    assert failed.value.details["last_words"] == ["again"]


@pytest.mark.parametrize("killed", [False, True])
def test_stop__returns_when_children_are_gone_too(started, monkeypatch, killed):
    monkeypatch.setattr("hydrobid.local_cloud.processes.STOP_SECONDS", 0.5)
    stubborn = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"ready": "it", "child": %d}' % child.pid, flush=True)
child.wait()
"""
    process = started(service(stubborn))
    await_ready([process])
    child = json.loads(process.words())["child"]
    if killed:
        os.kill(process.record.pid, signal.SIGKILL)
        await_condition(lambda: not is_alive(process.record))
    assert _runs(child)

    stop([process.record])

    assert not is_alive(process.record)
    assert not _runs(child)


def test_is_alive__another_process_under_the_same_pid_is_not_it(started):
    process = started(service(READY + "time.sleep(60)"))
    await_ready([process])
    former = process.record.model_copy(update={"birth": "1"})

    assert is_alive(process.record)
    assert not is_alive(former)
    stop([former])
    assert is_alive(process.record)


def test_is_alive__not_after_a_kill(started):
    process = started(service(READY + "time.sleep(60)"))
    await_ready([process])
    os.kill(process.record.pid, signal.SIGKILL)
    await_condition(lambda: not is_alive(process.record))


def test_fingerprint__differs_with_anything_that_a_process_is_started_with():
    one = service("pass")
    others = [
        service("pass", HYDROBID_PROJECT="other"),
        service("print()"),
        Service("it", one.command, one.environment, 0, "announced", ("a file's digest",)),
    ]
    assert len({each.fingerprint for each in (one, *others)}) == 4


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
