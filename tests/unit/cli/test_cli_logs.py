"""`logs` on files that hold what the processes of a local cloud write."""

from __future__ import annotations

import json

import pytest

RUN = "nordic~2026-03-29~r1"
OURS, THEIRS = "a" * 32, "b" * 32


def line(at: str, message: str, trace: str = "", severity: str = "INFO", **labels: str) -> str:
    content = {
        "severity": severity,
        "message": message,
        "time": f"2026-03-28T09:30:{at}Z",
        "logging.googleapis.com/labels": labels,
    }
    if trace:
        content["logging.googleapis.com/trace"] = f"projects/p/traces/{trace}"
    return json.dumps(content)


def entry(at: str, message: str, trace: str) -> str:
    payload = {"message": message, "run": RUN, "traceparent": f"00-{trace}-0000000000000001-01"}
    return json.dumps(
        {
            "timestamp": f"2026-03-28T09:30:{at}Z",
            "severity": "ERROR",
            "jsonPayload": payload,
            "labels": {"execution": "e"},
        }
    )


@pytest.fixture
def written(stopped):
    own = {"client": "own", "run": RUN}
    files = {
        "own-solver": [
            line("02", "s1 solved", OURS, asset="lake", attempt="2", **own),
            "Traceback of something that is no line of ours",
            line("09", "another run", "c" * 32, client="own", run="nordic~2026-03-30~r1"),
        ],
        "own-submission": [
            line("03", "before the run was known", OURS, severity="WARNING"),
            line("04", "without a trace", **own),
            "[1, 2]",
            '{"ready": "submission"}',
        ],
        "other-solver": [line("01", "of another client", THEIRS, client="other", run=RUN)],
        "workflows": [entry("05", "task given up", OURS), "plain words"],
    }
    stopped.folder.logs.mkdir()
    for process, lines in files.items():
        stopped.folder.log(process).write_text("\n".join(lines) + "\n")
    return stopped


def test_logs__every_process_by_time_and_trace(written):
    result = written("logs", RUN, "--client", "own")

    assert result.exit_code == 0
    trace, *lines = result.stdout.splitlines()
    assert trace == f"trace {OURS}"
    assert [text.split("  ", 1)[1] for text in lines] == [
        "own-solver  INFO  s1 solved  asset lake  attempt 2",
        "own-submission  WARNING  before the run was known",
        "own-submission  INFO  without a trace",
        "workflows  ERROR  task given up",
    ]


def test_logs__of_every_client_where_none_is_named(written):
    shown = json.loads(written("logs", RUN, "--json").stdout)

    assert shown["traces"] == [OURS, THEIRS]
    assert [each["process"] for each in shown["lines"]][:2] == ["other-solver", "own-solver"]
    assert len(shown["lines"]) == 5


def test_logs__of_a_run_that_nobody_wrote_about(written):
    result = written("logs", "nordic~2026-04-01~r1")

    assert result.exit_code == 2
    assert "no line about nordic~2026-04-01~r1" in result.stderr


@pytest.mark.parametrize(
    "foreign",
    [
        '{"severity": "INFO", "jsonPayload": "words"}',
        '{"severity": "INFO", "jsonPayload": null}',
        '{"severity": "INFO", "logging.googleapis.com/labels": null}',
        '{"severity": "INFO", "logging.googleapis.com/labels": ["a"]}',
        "[" * 100_000,
        '{"severity": ' + "9" * 5000 + "}",
    ],
)
def test_logs__a_line_of_another_form_is_left_out(written, command, foreign: str):
    whole = command("logs", RUN).stdout
    with written.folder.log("own-solver").open("a") as file:
        file.write(foreign + "\n")

    assert command("logs", RUN).stdout == whole
