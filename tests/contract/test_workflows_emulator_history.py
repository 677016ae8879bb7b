"""Step entries: what an execution did, step by step, while it runs, after its end and after a kill."""

from __future__ import annotations

import json

import httpx
import pytest
from workflow_cloud import PARENT, WorkflowCloud, eventually

SOURCE = """
main:
  params: [url]
  steps:
    - begin:
        assign: [{total: 0}]
    - each:
        for:
          value: part
          in: [1, 2]
          steps:
            - add: {assign: [{total: "${total + part}"}]}
    - choose:
        switch:
          - condition: ${total == 0}
            raise: "nothing"
          - condition: ${total == 3}
            steps:
              - half: {call: halved, args: {number: "${total}"}, result: total}
    - both:
        parallel:
          branches:
            - left: {steps: [{rest: {call: sys.sleep, args: {seconds: 0}}}]}
            - right: {steps: [{rest: {call: sys.log, args: {text: here}}}]}
    - ask:
        try:
          call: http.get
          args: {url: "${url}"}
        retry: {predicate: "${retry.always}", max_retries: 1, backoff: {initial_delay: 0, max_delay: 0, multiplier: 1}}
        except:
          as: problem
          steps:
            - excuse: {return: "${problem.tags}"}
halved:
  params: [number]
  steps:
    - divide: {return: "${number / 2}"}
"""


@pytest.fixture(scope="module")
def cloud():
    with WorkflowCloud() as cloud:
        yield cloud


def entries(cloud, execution: str, **query) -> dict:
    return cloud.rest.get(f"{execution}/stepEntries", params=query).json()


def outline(found: list[dict], parent: str | None = None) -> list:
    """Return the entries as a tree of (step, type, turn), children behind their parent."""
    tree = []
    for entry in found:
        navigation, metadata = entry["navigationInfo"], entry["stepEntryMetadata"]
        if navigation.get("parent") == parent:
            turn = metadata.get("progressNumber")
            kind = entry["stepType"].removeprefix("STEP_")
            tree.append((entry["step"], kind, *([turn] if turn else [])))
            if below := outline(found, entry["entryId"]):
                tree.append(below)
    return tree


def test_history__tells_every_step_iteration_branch_and_attempt(cloud):
    execution = cloud.run("told", SOURCE, argument="http://127.0.0.1:9/")
    assert json.loads(execution["result"]) == ["ConnectionFailedError"]
    found = entries(cloud, execution["name"])["stepEntries"]
    assert outline(found) == [
        ("begin", "ASSIGN"),
        ("each", "FOR"),
        [
            ("each", "FOR_ITERATION", "1"),
            [("add", "ASSIGN")],
            ("each", "FOR_ITERATION", "2"),
            [("add", "ASSIGN")],
        ],
        ("choose", "SWITCH"),
        [
            ("choose", "CONDITION", "1"),
            ("choose", "CONDITION", "2"),
            [("half", "SUBWORKFLOW_CALL"), [("divide", "RETURN")]],
        ],
        ("both", "PARALLEL_BRANCH"),
        [
            ("both", "PARALLEL_BRANCH_ENTRY", "1"),
            [("rest", "STD_LIB_CALL")],
            ("both", "PARALLEL_BRANCH_ENTRY", "2"),
            [("rest", "STD_LIB_CALL")],
        ],
        ("ask", "TRY_RETRY_EXCEPT"),
        [
            ("ask", "TRY", "1"),
            [("ask", "STD_LIB_CALL")],
            ("ask", "TRY", "2"),
            [("ask", "STD_LIB_CALL")],
            ("ask", "EXCEPT"),
            [("excuse", "RETURN")],
        ],
    ]
    states = {entry["stepType"]: entry["state"] for entry in found}
    assert states["STEP_TRY"] == "STATE_FAILED"
    assert states["STEP_TRY_RETRY_EXCEPT"] == "STATE_SUCCEEDED"
    divide = next(entry for entry in found if entry["step"] == "divide")
    assert divide["routine"] == "halved"
    failed = next(entry for entry in found if entry["state"] == "STATE_FAILED")
    assert "ConnectionFailedError" in json.loads(failed["exception"]["payload"])["tags"]
    assert len({e["stepEntryMetadata"].get("threadId") for e in found if e["step"] == "rest"}) == 2


def test_history__is_filtered_ordered_and_paged(cloud):
    execution = cloud.run("listed", SOURCE, argument="http://127.0.0.1:9/")["name"]
    wanted = 'stepType = "STEP_ASSIGN" AND step = "add"'
    assert entries(cloud, execution, filter=wanted)["totalSize"] == 2
    newest = entries(cloud, execution, orderBy="entryId desc", pageSize=1)["stepEntries"]
    total = entries(cloud, execution)["totalSize"]
    assert newest[0]["entryId"] == str(total)

    seen, token = [], ""
    while True:
        page = entries(cloud, execution, pageSize=7, pageToken=token)
        seen += [entry["entryId"] for entry in page["stepEntries"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == [str(number) for number in range(1, total + 1)]
    assert entries(cloud, execution, skip=total - 1)["stepEntries"][0]["entryId"] == str(total)

    one = cloud.rest.get(f"{execution}/stepEntries/2").json()
    assert (one["name"], one["step"]) == (f"{execution}/stepEntries/2", "each")
    assert one["navigationInfo"] == {"children": ["3", "5"], "previous": "1", "next": "7"}
    assert cloud.rest.get(f"{execution}/stepEntries/999").status_code == 404
    for bad in ({"filter": "colour = 1"}, {"filter": "entryId = x"}, {"pageSize": "-1"}):
        answer = cloud.rest.get(f"{execution}/stepEntries", params=bad)
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert cloud.rest.get(f"{PARENT}/workflows/listed/executions/x/stepEntries").status_code == 404


def test_history__shows_what_is_in_progress(cloud):
    source = "- first: {assign: [{x: 1}]}\n- nap: {call: sys.sleep, args: {seconds: 3600}}"
    execution = cloud.start("napping", source)["name"]
    found = eventually(
        lambda: entries(cloud, execution).get("stepEntries", []), lambda found: len(found) == 2
    )
    assert [(entry["step"], entry["state"]) for entry in found] == [
        ("first", "STATE_SUCCEEDED"),
        ("nap", "STATE_IN_PROGRESS"),
    ]
    cloud.rest.post(f"{execution}:cancel").raise_for_status()
    assert entries(cloud, execution)["totalSize"] == 2


def test_history__keeps_its_times_over_a_restart(tmp_path):
    source = "- first: {call: sys.now}\n- nap: {call: sys.sleep, args: {seconds: 1}}\n- end_it: {return: 1}"
    with WorkflowCloud(tmp_path) as cloud:
        execution = cloud.start("timed", source)["name"]
        eventually(lambda: entries(cloud, execution)["totalSize"], lambda total: total == 2)
        before = entries(cloud, execution)["stepEntries"][0]
    with WorkflowCloud(tmp_path) as cloud:
        cloud.ended(execution)
        found = entries(cloud, execution)["stepEntries"]
    assert [entry["step"] for entry in found] == ["first", "nap", "end_it"]
    assert found[0]["createTime"] == before["createTime"]
    assert all(entry["state"] == "STATE_SUCCEEDED" for entry in found)


def test_revisions__are_listed_and_workflows_filtered(cloud):
    for identifier in ("one", "two"):
        cloud.deploy(identifier, "- a: {return: 1}")
    workflows = f"{PARENT}/workflows"
    for number in (2, 3):
        body = {"sourceContents": f"- a: {{return: {number}}}"}
        cloud.rest.patch(f"{workflows}/one", json=body).raise_for_status()

    url = f"{workflows}/one:listRevisions"
    found = cloud.rest.get(url).json()["workflows"]
    assert [revision["revisionId"][:6] for revision in found] == ["000003", "000002", "000001"]
    assert [revision["sourceContents"][-2] for revision in found] == ["3", "2", "1"]
    first = cloud.rest.get(url, params={"pageSize": 2}).json()
    last = cloud.rest.get(url, params={"pageSize": 2, "pageToken": first["nextPageToken"]}).json()
    assert [revision["revisionId"][:6] for revision in last["workflows"]] == ["000001"]

    def names(**query) -> list[str]:
        listed = cloud.rest.get(workflows, params=query).json().get("workflows", [])
        return [workflow["name"].rpartition("/")[2] for workflow in listed]

    assert names(filter='revisionId = "' + found[0]["revisionId"] + '"') == ["one"]
    assert names(orderBy="name desc")[:2] == sorted(names(), reverse=True)[:2]
    assert names(filter=f'name = "{PARENT}/workflows/two"') == ["two"]
    refused = httpx.get(f"{cloud.rest.base_url}{workflows}", params={"filter": "x = 1"})
    assert refused.status_code == 400
