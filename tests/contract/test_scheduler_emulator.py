"""The scheduler's REST interface: jobs made, read, changed, paused, and refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.scheduler.server import SchedulerOptions, serve

PARENT = "projects/p/locations/europe-north1"
NAME = f"{PARENT}/jobs/daily"
HTTP = {"uri": "http://127.0.0.1:9/run"}
PUBSUB = {"topicName": "projects/p/topics/bids", "data": base64.b64encode(b"{}").decode()}


@pytest.fixture(scope="module")
def server():
    handle = serve(SchedulerOptions(Options(0, None, MarketClock(None))))
    yield handle
    handle.stop()


@pytest.fixture
def api(server):
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}/v1/") as client:
        yield client
        while jobs := client.get(f"{PARENT}/jobs").json().get("jobs"):
            for job in jobs:
                client.delete(job["name"])


def body(**fields):
    # A time of day that does not come while a test runs.
    later = datetime.now(UTC) + timedelta(hours=12)
    schedule = f"{later.minute} {later.hour} * * *"
    return {"name": NAME, "schedule": schedule, "httpTarget": HTTP} | fields


def refusal(answer):
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["status"], error["message"]


def test_create__answers_with_googles_defaults(api):
    made = api.post(f"{PARENT}/jobs", json=body()).json()
    assert made == {
        "name": NAME,
        "schedule": body()["schedule"],
        "timeZone": "UTC",
        "httpTarget": {"uri": HTTP["uri"], "httpMethod": "POST"},
        "attemptDeadline": "180s",
        "retryConfig": {
            "maxRetryDuration": "0s",
            "minBackoffDuration": "5s",
            "maxBackoffDuration": "3600s",
            "maxDoublings": 5,
        },
        "state": "ENABLED",
        "userUpdateTime": made["userUpdateTime"],
        "scheduleTime": made["scheduleTime"],
    }
    due = datetime.fromisoformat(made["scheduleTime"]) - datetime.now(UTC)
    assert timedelta(hours=11) < due <= timedelta(hours=12)
    assert api.get(NAME).json() == made


def test_create__keeps_all_that_it_is_given(api):
    given = body(
        description="Daily bid",
        timeZone="Europe/Oslo",
        attemptDeadline="30.500s",
        retryConfig={
            "retryCount": 3,
            "maxRetryDuration": "60s",
            "minBackoffDuration": "0.100s",
            "maxBackoffDuration": "10s",
            "maxDoublings": 2,
        },
        httpTarget={
            "uri": "https://functions.example/run?day=1",
            "httpMethod": "PUT",
            "headers": {"Content-Type": "application/json", "X-Empty": ""},
            "body": base64.b64encode(b'{"a": "\xc3\xa5>?"}').decode(),
            "oidcToken": {"serviceAccountEmail": "a@p.example", "audience": "https://f.example"},
        },
    )
    made = api.post(f"{PARENT}/jobs", json=given).json()
    assert {field: made[field] for field in given} == given


def test_create__takes_what_the_official_client_sends(api):
    # Enums by number, output-only fields of a job that was read before, nulls, and its $alt.
    sent = body(
        httpTarget={**HTTP, "httpMethod": 2, "headers": {}, "oidcToken": None},
        state=1,
        status={"code": 13},
        scheduleTime="2020-01-01T00:00:00Z",
    )
    made = api.post(f"{PARENT}/jobs", params={"$alt": "json;enum-encoding=int"}, json=sent).json()
    assert made["httpTarget"] == {"uri": HTTP["uri"], "httpMethod": "GET"}
    assert made["state"] == "ENABLED"
    assert "status" not in made


def test_create__makes_up_a_name_where_none_is_given(api):
    given = {field: value for field, value in body().items() if field != "name"}
    names = {api.post(f"{PARENT}/jobs", json=given).json()["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith(f"{PARENT}/jobs/") for name in names)


def test_create__refuses_a_name_that_is_taken(api):
    api.post(f"{PARENT}/jobs", json=body())
    code, status, message = refusal(api.post(f"{PARENT}/jobs", json=body(description="other")))
    assert (code, status) == (409, "ALREADY_EXISTS")
    assert NAME in message
    assert "description" not in api.get(NAME).json()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"schedule": "61 * * * *"}, "Schedule or time zone is invalid. minute '61'"),
        ({"timeZone": "Europe/Atlantis"}, "Schedule or time zone is invalid. time zone 'Europe/A"),
        ({"schedule": None}, "job.schedule: Field required"),
        ({"schedule": 5}, "job.schedule"),
        ({"name": "daily"}, "Job name 'daily'"),
        ({"name": 5}, "Job name '5'"),
        ({"name": f"{PARENT}/jobs/a.b"}, "Job name"),
        ({"name": "projects/p/locations/other/jobs/daily"}, "not of the location"),
        ({"httpTarget": None}, "exactly one target"),
        ({"pubsubTarget": PUBSUB}, "exactly one target"),
        ({"httpTarget": {"uri": "ftp://example"}}, "job.httpTarget.uri"),
        ({"httpTarget": {"uri": "http://host:port"}}, "job.httpTarget.uri"),
        ({"httpTarget": {**HTTP, "httpMethod": "FETCH"}}, "job.httpTarget.httpMethod"),
        ({"httpTarget": {**HTTP, "httpMethod": "GET", "body": "YQ=="}}, "not GET"),
        ({"httpTarget": {**HTTP, "body": "a"}}, "not base64"),
        ({"httpTarget": {**HTTP, "headers": {"A": "b\r\nC: d"}}}, "job.httpTarget.headers"),
        ({"httpTarget": {**HTTP, "headers": {"A": "b" * 81_920}}}, "less than 81920"),
        ({"httpTarget": {**HTTP, "oidcToken": {}}}, "oidcToken.serviceAccountEmail"),
        ({"httpTarget": None, "pubsubTarget": {"topicName": PUBSUB["topicName"]}}, "non-empty"),
        ({"httpTarget": None, "pubsubTarget": {**PUBSUB, "topicName": "bids"}}, "topicName 'bids'"),
        (
            {"httpTarget": None, "pubsubTarget": {**PUBSUB, "topicName": "projects/q/topics/t"}},
            "must be in the job's project, p",
        ),
        ({"attemptDeadline": "10s"}, "15s to 1800s"),
        ({"attemptDeadline": "1801s"}, "15s to 1800s"),
        ({"attemptDeadline": "soon"}, "job.attemptDeadline: 'soon' is no duration"),
        ({"retryConfig": {"retryCount": 6}}, "job.retryConfig.retryCount"),
        ({"retryConfig": {"minBackoffDuration": "-1s"}}, "negative"),
        ({"retryConfig": {"maxBackoffDuration": "1s"}}, "not be greater"),
        ({"description": "x" * 501}, "job.description"),
        ({"httpTarget": {**HTTP, "body": "A" * (1 << 20)}}, "the maximum is 1048576"),
        ({"frequency": "daily"}, "Unknown name \"frequency\" at 'job'"),
    ],
)
def test_create__says_what_is_wrong(api, fields, said):
    code, status, message = refusal(api.post(f"{PARENT}/jobs", json=body(**fields)))
    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert said in message


@pytest.mark.parametrize(
    "fields",
    [{"schedule": "every 5 minutes"}, {"httpTarget": None, "appEngineHttpTarget": {}}],
)
def test_create__says_what_is_not_built(api, fields):
    code, status, _ = refusal(api.post(f"{PARENT}/jobs", json=body(**fields)))
    assert (code, status) == (501, "UNIMPLEMENTED")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5"])
def test_create__refuses_what_is_no_json_object(api, content):
    headers = {"content-type": "application/json"}
    answer = api.post(f"{PARENT}/jobs", content=content, headers=headers)
    assert refusal(answer)[:2] == (400, "INVALID_ARGUMENT")


def test_requests__for_what_is_not_there(api):
    asked = [
        api.get(NAME),
        api.patch(NAME, json=body()),
        api.delete(NAME),
        *(api.post(f"{NAME}:{verb}") for verb in ("pause", "resume", "run", "fly")),
        api.get("projects/p"),
        api.put(NAME),
    ]
    assert [refusal(answer)[:2] for answer in asked] == [(404, "NOT_FOUND")] * len(asked)


def test_list__pages_by_name_within_the_location(api):
    for letter in "cab":
        api.post(f"{PARENT}/jobs", json=body(name=f"{PARENT}/jobs/{letter}"))
    elsewhere = "projects/p/locations/elsewhere"
    api.post(f"{elsewhere}/jobs", json=body(name=f"{elsewhere}/jobs/d"))
    first = api.get(f"{PARENT}/jobs", params={"pageSize": 2}).json()
    token = first["nextPageToken"]
    second = api.get(f"{PARENT}/jobs", params={"pageSize": 2, "pageToken": token}).json()
    assert [job["name"][-1] for job in first["jobs"] + second["jobs"]] == ["a", "b", "c"]
    assert "nextPageToken" not in second
    api.delete(f"{elsewhere}/jobs/d")
    assert api.get(f"{elsewhere}/jobs").json() == {}
    for wrong in ({"pageSize": -1}, {"pageSize": "x"}, {"pageToken": "?"}):
        assert refusal(api.get(f"{PARENT}/jobs", params=wrong))[0] == 400


def test_patch__changes_the_fields_of_the_mask_alone(api):
    before = api.post(f"{PARENT}/jobs", json=body(description="old")).json()
    sent = {"description": "new", "timeZone": "Asia/Tokyo", "retryConfig": {"retryCount": 2}}
    mask = {"updateMask": "timeZone,retryConfig.retryCount,state,httpTarget.headers"}
    after = api.patch(NAME, params=mask, json=sent).json()
    assert after["description"] == "old"
    assert after["timeZone"] == "Asia/Tokyo"
    assert after["retryConfig"] == before["retryConfig"] | {"retryCount": 2}
    assert after["httpTarget"] == before["httpTarget"]
    moved = datetime.fromisoformat(after["scheduleTime"]) - datetime.fromisoformat(
        before["scheduleTime"]
    )
    assert moved in (timedelta(hours=-9), timedelta(hours=15))
    assert after["userUpdateTime"] > before["userUpdateTime"]


def test_patch__takes_another_target_in_place_of_the_old(api):
    api.post(f"{PARENT}/jobs", json=body())
    sent = {"pubsubTarget": PUBSUB}
    after = api.patch(NAME, params={"updateMask": "pubsubTarget"}, json=sent).json()
    assert after["pubsubTarget"] == PUBSUB
    assert not {"httpTarget", "attemptDeadline"} & after.keys()


def test_patch__without_a_mask_replaces_the_job(api):
    api.post(f"{PARENT}/jobs", json=body(description="old", timeZone="Asia/Tokyo"))
    after = api.patch(NAME, json={"schedule": "0 5 * * *", "httpTarget": HTTP}).json()
    assert "description" not in after
    assert (after["name"], after["schedule"], after["timeZone"]) == (NAME, "0 5 * * *", "UTC")


@pytest.mark.parametrize(
    ("mask", "sent", "said"),
    [
        ("frequency", {}, "Invalid mask for Job: frequency"),
        ("retryConfig.count", {}, "Invalid mask for Job: retryConfig.count"),
        ("schedule", {"schedule": "never"}, "Schedule or time zone is invalid."),
        ("schedule", {}, "job.schedule: Field required"),
        ("httpTarget", {}, "exactly one target"),
        ("pubsubTarget.data", {"pubsubTarget": {"data": "YQ=="}}, "job.pubsubTarget.topicName"),
    ],
)
def test_patch__refused_changes_nothing(api, mask, sent, said):
    before = api.post(f"{PARENT}/jobs", json=body()).json()
    code, status, message = refusal(api.patch(NAME, params={"updateMask": mask}, json=sent))
    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert said in message
    assert api.get(NAME).json() == before


def test_pause_and_resume__move_between_two_states(api):
    made = api.post(f"{PARENT}/jobs", json=body()).json()
    paused = api.post(f"{NAME}:pause", json={}).json()
    assert paused["state"] == "PAUSED"
    assert "scheduleTime" not in paused
    assert refusal(api.post(f"{NAME}:pause"))[:2] == (400, "FAILED_PRECONDITION")
    changed = api.patch(NAME, params={"updateMask": "timeZone"}, json={"timeZone": "utc"}).json()
    assert changed["state"] == "PAUSED"
    assert "scheduleTime" not in changed
    resumed = api.post(f"{NAME}:resume", json={}).json()
    assert resumed == made | {"timeZone": "utc", "userUpdateTime": resumed["userUpdateTime"]}
    assert refusal(api.post(f"{NAME}:resume"))[:2] == (400, "FAILED_PRECONDITION")


def test_delete__forgets_the_job_and_frees_its_name(api):
    api.post(f"{PARENT}/jobs", json=body())
    assert api.delete(NAME).json() == {}
    assert refusal(api.get(NAME))[0] == 404
    assert api.post(f"{PARENT}/jobs", json=body()).status_code == 200
