"""Malformed requests to the Workflows and the Scheduler: refused as Google's are, never a crash."""

from __future__ import annotations

import json

import grpc
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workflow_cloud import PARENT, WorkflowCloud

SERVICES = {
    "google.cloud.workflows.v1.Workflows": (
        "CreateWorkflow", "GetWorkflow", "ListWorkflows", "ListWorkflowRevisions", "UpdateWorkflow", "DeleteWorkflow",
    ),
    "google.cloud.workflows.executions.v1.Executions": (
        "CreateExecution", "GetExecution", "ListExecutions", "CancelExecution",
    ),
}  # fmt: skip
REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
}
METHODS = [(service, name) for service, names in SERVICES.items() for name in names]
EXAMPLES = settings(max_examples=200, derandomize=True, deadline=None)
NAMES = ["sourceContents", "name", "schedule", "timeZone", "pubsubTarget", "httpTarget", "retryConfig",
         "argument", "labels", "callLogLevel", "userEnvVars", "data", "uri", "attemptDeadline"]  # fmt: skip
TEXTS = st.sampled_from(["* * * * *", "UTC", "- a: {return: 1}", "1e9s", "\ud800", "", "a/b", "{"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=10,
)
BODIES = JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60)
QUERIES = st.dictionaries(
    st.sampled_from(
        ["workflowId", "pageSize", "pageToken", "filter", "orderBy", "view", "updateMask"]
    ),
    st.text(max_size=12) | st.sampled_from(["a", "-1", "99", "state = X", "MTA=", "sourceContents", "FULL"]),
    max_size=3,
)  # fmt: skip
PATHS = st.sampled_from(
    ["workflows", "workflows/a", "workflows/a:listRevisions", "workflows/a/executions",
     "workflows/a/executions/b", "workflows/a/executions/b:cancel", "workflows/a/executions/b/stepEntries",
     "workflows/a/executions/b/callbacks/c", "jobs", "jobs/a", "jobs/a:run", "jobs/a:pause", "jobs/%00", "nothing"]
)  # fmt: skip


@pytest.fixture(scope="module")
def cloud():
    with WorkflowCloud(beside=("scheduler",)) as cloud:
        cloud.deploy("a", "- b: {return: 1}").raise_for_status()
        yield cloud


@EXAMPLES
@given(service=st.sampled_from(["workflows-rest", "scheduler"]),
       method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
       path=PATHS, query=QUERIES, body=BODIES)  # fmt: skip
def test_rest__refuses_what_is_malformed(cloud, service, method, path, query, body):
    url = f"http://{cloud.cloud.address(service)}/v1/{PARENT}/{path}"
    answer = httpx.request(method, url, params=query, content=body)
    if answer.is_success:
        return
    error = answer.json()["error"]
    assert answer.status_code in (400, 404, 409, 501), error
    assert error["code"] == answer.status_code
    assert error["message"]


@EXAMPLES
@given(method=st.sampled_from(METHODS), content=st.binary(max_size=80))
def test_grpc__refuses_what_is_malformed(cloud, method, content):
    service, name = method
    with grpc.insecure_channel(cloud.cloud.address("workflows")) as channel:
        call = channel.unary_unary(f"/{service}/{name}")
        try:
            call(content, timeout=10)
        except grpc.RpcError as error:
            assert error.code() in REFUSALS, error  # noqa: PT017 - either outcome is right


@EXAMPLES
@given(st.binary(max_size=200))
def test_source__of_any_bytes_is_deployed_or_refused(cloud, content):
    answer = cloud.deploy("fuzzed", content.decode("latin-1"))
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
