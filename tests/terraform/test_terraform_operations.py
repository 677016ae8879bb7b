"""Metrics, policies, service levels and the dashboard: on what the code really writes."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from examples import DAY, SINTEF, published, with_asset_fields
from terraform.log_filters import entry_of, extracted, matches
from terraform.resources import of_client, resources_of
from terraform.stack import ROOT, Stack

from hydrobid.bootstrap import aggregator, dispatcher, solver, submission
from hydrobid.bootstrap.outcomes import Done, answered, handled
from hydrobid.bootstrap.settings import (
    DispatcherSettings,
    FunctionSettings,
    SolverSettings,
    SubmissionSettings,
)
from hydrobid.bootstrap.topology import resource_id, topology
from hydrobid.domain.messages import AlertSweep, AssetSettled, CutOffReached, GuardTick, Message
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import AssetState, RunState
from hydrobid.schema import ClientInputs

pytestmark = [pytest.mark.xdist_group("terraform")]

OWN = "logging.googleapis.com/user/"
GOOGLES = {
    "pubsub.googleapis.com/subscription/num_undelivered_messages",
    "run.googleapis.com/container/instance_count",
    "run.googleapis.com/request_latencies",
    "workflows.googleapis.com/finished_execution_count",
}
Entry = dict[str, Any]


@pytest.fixture(scope="module")
def entries(sintef_inputs: ClientInputs) -> list[Entry]:
    """What the functions write of a day that is late, has no exchange, and is then at its gate."""
    inputs = with_asset_fields(sintef_inputs, method={"name": "price_independent"}, fallback=[])
    pipeline = published(inputs)
    plan = pipeline.plan(SINTEF, DAY).plan
    gate = plan.cut_offs.gate
    stores = (pipeline.documents, pipeline.clock)
    with pytest.MonkeyPatch.context() as patch, _told() as told:
        patch.setenv("HYDROBID_CLIENT", SINTEF)
        for name in ("URL", "TOKEN_URL", "CREDENTIALS"):
            patch.setenv(f"HYDROBID_EXCHANGE_{name}", "file:unused")
        known = FunctionSettings()
        wired = submission._Wired(
            SubmissionSettings(), *stores, pipeline.exchange, pipeline.callbacks
        )
        for module, parts in {
            dispatcher: dispatcher._Wired(DispatcherSettings(), *stores),
            solver: (SolverSettings(), *stores, pipeline.solvers),
            aggregator: (known, *stores, pipeline.messages),
            submission: wired,
        }.items():
            patch.setattr(module, "_wired", lambda parts=parts: parts)
        request = {"client": SINTEF, "day": DAY.isoformat()}
        answered("dispatcher", lambda: dispatcher.dispatch(request))
        answered("dispatcher", lambda: dispatcher.dispatch({**request, "day": "soon"}))
        _settle(plan)  # nothing is solved yet: the asset has no bid, and an alert says so
        _solve_all(plan)
        _settle(plan)
        cut_off = CutOffReached(client=SINTEF, run=plan.run, cut_off="submission")
        _submit(cut_off, pipeline.clock.now())
        for near in (gate - timedelta(hours=1), gate - timedelta(minutes=1)):
            _submit(GuardTick(client=SINTEF), near)
        _submit(AlertSweep(client=SINTEF), gate)
    return [entry_of(json.loads(line), SINTEF) for line in told.getvalue().splitlines()]


@contextlib.contextmanager
def _told() -> Iterator[io.StringIO]:
    with contextlib.redirect_stdout(io.StringIO()) as told:
        yield told


def _settle(plan: Plan) -> None:
    for asset in plan.assets:
        settled = AssetSettled(client=plan.client, run=plan.run, asset=asset.asset)
        _push("aggregator", settled, aggregator.aggregate)


def _solve_all(plan: Plan) -> None:
    for asset in plan.assets:
        for task in asset.tasks:
            request = {"client": plan.client, "run": str(plan.run), "asset": asset.asset}
            answered("solver", lambda r=request, t=task: solver.solve({**r, "task": t.id}))


def _submit(message: Message, at: Any) -> None:
    source = f"//pubsub.googleapis.com/projects/p/topics/{resource_id(SINTEF, message.topic)}"
    _push("submission", message, lambda data: submission.submit(source, at.isoformat(), data))


def _push(function: str, message: Message, act: Callable[[Any], Done]) -> None:
    encoded = base64.b64encode(json.dumps(message.to_document()).encode()).decode()
    data = {"message": {"data": encoded}}
    handled(function, data, lambda: act(data))


def _metrics(applied: Stack) -> dict[str, Any]:
    return {
        values["name"]: values
        for address, values in resources_of(applied.state).items()
        if ".google_logging_metric." in address
    }


def _said_by_workflows() -> list[Entry]:
    """Return what the workflows log, with a value for each expression."""

    def logs(steps: Any) -> Iterator[dict[str, Any]]:
        if isinstance(steps, dict):
            if steps.get("call") == "sys.log":
                yield steps["args"]
            for inner in steps.values():
                yield from logs(inner)
        elif isinstance(steps, list):
            for inner in steps:
                yield from logs(inner)

    sources = [workflow.source for workflow in topology().workflows.values()]
    return [
        {
            "severity": said["severity"],
            "jsonPayload": said["json"],
            "resource": {"type": "workflows.googleapis.com/Workflow"},
        }
        for source in sources
        for said in logs(yaml.safe_load((ROOT / "workflows" / source).read_text("utf-8")))
    ]


def test_metrics__count_lines_that_are_written_and_find_their_labels(
    applied: Stack, entries: list[Entry]
) -> None:
    metrics = _metrics(applied)
    assert len(metrics) > 5
    written = [*entries, *_said_by_workflows()]
    for name, metric in metrics.items():
        counted = [entry for entry in written if matches(metric["filter"], entry)]
        whole = [
            entry
            for entry in counted
            if all(extracted(found, entry) for found in metric["label_extractors"].values())
        ]
        assert whole, f"{name}: {metric['filter']} with {metric['label_extractors']}"
        if "cloud_run_revision" in metric["filter"]:
            assert {extracted(metric["label_extractors"]["client"], e) for e in whole} == {SINTEF}
        declared = {label["key"] for label in metric["metric_descriptor"][0]["labels"]}
        assert set(metric["label_extractors"]) == declared
        if metric["value_extractor"]:
            values = [extracted(metric["value_extractor"], entry) for entry in counted]
            assert all(0 <= value <= 1 for value in values)


def test_metrics__of_the_workflows_count_all_that_they_log(applied: Stack) -> None:
    given_up = _metrics(applied)["hydrobid/given-up"]["filter"]
    said = _said_by_workflows()
    assert said
    assert all(matches(given_up, entry) for entry in said)


def test_metrics__count_no_tick_without_a_gate_and_no_alert_as_an_error(
    applied: Stack, entries: list[Entry]
) -> None:
    metrics = _metrics(applied)

    def counted(name: str) -> list[Entry]:
        return [e for e in entries if matches(metrics[f"hydrobid/{name}"]["filter"], e)]

    (guarded,) = counted("guarded-minutes")
    assert guarded["jsonPayload"]["guarded"] == DAY.isoformat()
    assert {e["jsonPayload"]["code"] for e in counted("errors")} == {"INVALID_INPUT"}
    states = {e["jsonPayload"]["state"] for e in counted("partial-bids")}
    assert states == {AssetState.FAILED, AssetState.COMPLETE}


def test_critical_alerts__are_sent_once_open_with_their_own_words(
    applied: Stack, entries: list[Entry]
) -> None:
    for client, policy in _policies(applied, "google_monitoring_alert_policy.alert"):
        condition = policy["conditions"][0]["condition_matched_log"][0]
        sent = [entry for entry in entries if matches(condition["filter"], entry)]
        assert bool(sent) == (client == SINTEF)
        for entry in sent:
            assert entry["jsonPayload"]["alert_state"] == "open"
            for extractor in condition["label_extractors"].values():
                assert extracted(extractor, entry)
    told = {e["jsonPayload"].get("alert_state") for e in entries}
    assert {"open", "resolved"} <= told


def test_filters__name_metrics_labels_and_states_that_there_are(applied: Stack) -> None:
    labels = {
        f"{OWN}{name}": set(metric["label_extractors"])
        for name, metric in _metrics(applied).items()
    }
    states = {str(state) for state in (*RunState, *AssetState)} | {"FAILED", "submission"}
    filters = list(_monitored(applied))
    assert len(filters) > 20
    for text, groups in filters:
        (metric,) = set(re.findall(r'metric\.type="([^"]+)"', text)) or {""}
        assert metric in labels or metric in GOOGLES, text
        if metric in labels:
            named = re.findall(r"metric\.labels\.(\w+)", text)
            grouped = [group.removeprefix("metric.label.") for group in groups]
            assert {*named, *grouped} <= labels[metric], text
            (valued,) = [re.findall(r"metric\.labels\.(?:state|cut_off)!?=(.*)", text)]
            assert set(re.findall(r'"([^"]+)"', "".join(valued))) <= states, text


def _policies(applied: Stack, kind: str) -> Iterator[tuple[str, Any]]:
    clients = applied.state["values"]["root_module"]["child_modules"]
    for module in clients:
        found = re.fullmatch(r'module\.client\["(.+)"\]', module["address"])
        if found:
            made = of_client(resources_of(applied.state), found.group(1))
            yield from ((found.group(1), v) for a, v in made.items() if a.startswith(kind))


def _monitored(applied: Stack) -> Iterator[tuple[str, list[str]]]:
    """Yield each filter over metrics and what it is grouped by."""
    for _, policy in _policies(applied, "google_monitoring_alert_policy.threshold"):
        yield policy["conditions"][0]["condition_threshold"][0]["filter"], []
    for _, level in _policies(applied, "google_monitoring_slo."):
        ratio = level["request_based_sli"][0]["good_total_ratio"][0]
        yield ratio["total_service_filter"], []
        yield ratio["good_service_filter"], []
    resources = resources_of(applied.state)
    page = resources["module.platform.google_monitoring_dashboard.this"]["dashboard_json"]
    for tile in json.loads(page)["mosaicLayout"]["tiles"]:
        for shown in tile["widget"].get("xyChart", {}).get("dataSets", []):
            query = shown["timeSeriesQuery"]["timeSeriesFilter"]
            yield query["filter"], query["aggregation"]["groupByFields"]
