"""`logs`: what every process wrote about a run, in the order in which it happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.show import Client, Run
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import RunId
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.state import require_state

STYLES = {"WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
LABELS = "logging.googleapis.com/labels"
TRACE = "logging.googleapis.com/trace"
SHOWN = ("asset", "task", "attempt")


@dataclass(frozen=True)
class LogLine:
    """A line of a process. trace: the id of the one that it belongs to, empty without one."""

    process: str
    at: str
    severity: str
    message: str
    labels: dict[str, str]
    trace: str
    content: dict[str, Any]

    def is_of(self, run: str, client: str | None) -> bool:
        """Return whether it names the run, and the client where one is given."""
        ours = client is None or self.labels.get("client") == client
        return ours and self.labels.get("run") == run


def logs(
    run: Run, client: Client = None, data_dir: DataDir = DEFAULT, as_json: Json = False
) -> None:
    """Show what the functions and workflows wrote about a run, in the order of real time.

    That is every line which names the run, and every other one of the same traces: an execution of
    the daily bid is a trace. Reads files only, so the local cloud need not be up.

    Example: hydrobid logs nordic~2026-03-29~r1 --client sintef-example
    """
    run_id = str(RunId.parse(run))
    folder = data_folder(data_dir)
    require_state(folder)
    traces = {line.trace for line in _lines(folder) if line.is_of(run_id, client)} - {""}
    found = [line for line in _lines(folder) if line.is_of(run_id, client) or line.trace in traces]
    if not found:
        raise NotFound(f"no line about {run_id} in {folder.logs}", run=run_id, client=client)
    found.sort(key=lambda line: line.at)
    if as_json:
        lines = [{"process": line.process, **line.content} for line in found]
        print_json({"run": run_id, "traces": sorted(traces), "lines": lines})
        return
    for trace in sorted(traces):
        say(f"trace {trace}", "dim")
    for line in found:
        out.print(_shown(line))


def _lines(folder: DataFolder) -> Iterator[LogLine]:
    """Yield the structured lines of every process; the rest is no document of ours."""
    for path in sorted(folder.logs.glob("*.log")):
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                try:
                    content = json.loads(text)
                except (ValueError, RecursionError):
                    continue
                if isinstance(content, dict) and "severity" in content:
                    line = _line(path.stem, content)
                    if line is not None:
                        yield line


def _line(process: str, content: dict[str, Any]) -> LogLine | None:
    """Return the line that a document is, None where it is somebody else's."""
    # A function writes the message and labels; a workflow's entry has them in its payload.
    payload = content.get("jsonPayload", content)
    labels = content.get(LABELS, payload)
    if not isinstance(payload, dict) or not isinstance(labels, dict):
        return None
    trace = str(content.get(TRACE, "")).rpartition("/")[2]
    _, _, after_version = str(payload.get("traceparent", "")).partition("-")
    return LogLine(
        process=process,
        at=str(content.get("time") or content.get("timestamp") or ""),
        severity=str(content["severity"]),
        message=str(payload.get("message", "")),
        labels={name: str(value) for name, value in labels.items()},
        trace=trace or after_version.partition("-")[0],
        content=content,
    )


def _shown(line: LogLine) -> Text:
    style = STYLES.get(line.severity, "")
    which = [f"{name} {line.labels[name]}" for name in SHOWN if name in line.labels]
    code = [str(line.content["code"])] if "code" in line.content else []
    return Text.assemble(
        (f"{line.at}  {line.process}  ", "dim"),
        (f"{line.severity}  {line.message}", style),
        ("".join(f"  {each}" for each in (*code, *which)), "dim"),
    )
