"""The desk's API: the real function app, over a pipeline in this process."""

from __future__ import annotations

import base64
import json
import time

import functions_framework
import httpx
import pytest
from approver import with_policy
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from examples import (
    DAY,
    MORNING,
    PRICE_COLUMNS,
    ROOT,
    SINTEF,
    published,
    sintef_prices,
    with_asset_fields,
)
from google.auth import crypt, jwt
from openapi_spec_validator import validate
from scripted import AREA, Delivering

from hydrobid.adapters.desk_api.routes import ROUTES, found
from hydrobid.adapters.desk_tokens import TokenPeople, token_digest
from hydrobid.adapters.iap_people import HEADER, ISSUER, IapPeople
from hydrobid.adapters.memory import MemoryMessages
from hydrobid.bootstrap import desk
from hydrobid.bootstrap.settings import DeskSettings
from hydrobid.domain.errors import CorruptDocument, NotFound, ServiceUnavailable, Unauthenticated

TOKENS = {"anna": "token-of-anna", "bo": "token-of-bo"}
RUN = f"nordic~{DAY.isoformat()}~r1"
BID = f"/runs/{RUN}/areas/{AREA}"


@pytest.fixture
def pipeline(sintef_inputs):
    inputs = with_asset_fields(sintef_inputs, method={"name": "water_value"})
    pipeline = published(with_policy(inputs, approval="four_eyes"))
    pipeline.run(SINTEF, DAY)
    return pipeline


@pytest.fixture
def ask(pipeline, tmp_path, monkeypatch):
    """Return a call of the function app: method, path, body and the name of who asks."""
    file = tmp_path / "desk.json"
    file.write_text(json.dumps({name: token_digest(token) for name, token in TOKENS.items()}))
    for name, value in {
        "HYDROBID_CLIENT": SINTEF,
        "HYDROBID_DESK_TOKENS_FILE": str(file),
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    settings = DeskSettings()
    wired = desk._Wired(
        settings,
        pipeline.documents,
        pipeline.clock,
        Delivering(pipeline),
        desk.people_of(settings),
    )
    monkeypatch.setattr(desk, "_wired", lambda: wired)
    source = ROOT / "functions" / "desk" / "main.py"
    client = functions_framework.create_app("desk", str(source), "http").test_client()

    def call(method: str, path: str, body=None, by: str | None = "anna", **query):
        headers = {} if by is None else {"Authorization": f"Bearer {TOKENS.get(by, by)}"}
        return client.open(path, method=method, json=body, headers=headers, query_string=query)

    return call


def waiting(ask) -> dict:
    (bid,) = ask("GET", "/bids", waiting="true").get_json()["bids"]
    return bid


def test_desk__two_people_approve__it_stands(ask, pipeline):
    bid = waiting(ask)
    decision = {"matrix": bid["matrix"], "reason": "looks right"}

    first = ask("POST", f"{BID}/approve", decision, by="anna").get_json()
    again = ask("POST", f"{BID}/approve", decision, by="anna").get_json()
    assert first == again
    assert (first["bid"]["approval"], len(first["bid"]["signatures"])) == (None, 1)
    assert pipeline.exchange.orders == {}

    second = ask("POST", f"{BID}/approve", decision, by="bo").get_json()
    assert second["bid"]["approval"]["by"] == "anna and bo"
    assert len(pipeline.exchange.orders) == 1
    assert ask("GET", "/bids", waiting="true").get_json() == {"bids": []}
    run = ask("GET", f"/runs/{RUN}").get_json()
    assert (run["state"], run["areas"][AREA]["order_state"]) == ("submitted", "STANDING")
    trail = ask("GET", f"/runs/{RUN}/events").get_json()
    assert trail["faults"] == []
    assert {"area-signed", "area-approved"} <= {event["type"] for event in trail["events"]}


def test_desk__rejected__is_not_approved_any_more(ask, pipeline):
    decision = {"matrix": waiting(ask)["matrix"], "reason": "no"}

    assert ask("POST", f"{BID}/reject", decision).status_code == 200

    refused = ask("POST", f"{BID}/approve", decision, by="bo")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "BID_DECIDED")
    assert pipeline.exchange.orders == {}


def test_desk__curves_may_be_given_back_changed(ask):
    shown = ask("GET", BID).get_json()
    matrix = shown["bid"]["matrix"]
    curves = shown["curves"]
    assert len(curves) == 96
    same = {"kind": "curves", "curves": curves[:1]}
    body = {"matrix": matrix, "reason": "a look", "edit": same}
    assert ask("POST", f"{BID}/override", body).get_json()["bid"]["matrix"] == matrix

    points = [{"price": "-500", "volume": "10"}, {"price": "4000", "volume": "10"}]
    edit = {"kind": "curves", "curves": [{"start": curves[0]["start"], "points": points}]}
    changed = ask("POST", f"{BID}/override", {"matrix": matrix, "reason": "out", "edit": edit})
    assert changed.get_json()["bid"]["override"]["by"] == "anna"
    assert ask("GET", BID).get_json()["curves"][0]["points"][0]["volume"] == "10.0"


def test_desk__changes_that_cannot_be(ask):
    matrix = waiting(ask)["matrix"]
    too_much = {"kind": "volume", "volume": "5000"}
    other = {"kind": "volume", "volume": "1"}

    def override(edit, named=matrix):
        body = {"matrix": named, "reason": "x", "edit": edit}
        answer = ask("POST", f"{BID}/override", body)
        return answer.status_code, answer.get_json()

    status, body = override(too_much)
    assert (status, body["code"]) == (422, "BID_FAULTY")
    assert body["details"]["findings"]
    status, body = override(other, "0" * 64)
    assert (status, body["code"]) == (409, "BID_CHANGED")
    for amount in ("1e1000000", "NaN", "0.0000001"):
        assert override({"kind": "volume", "volume": amount})[0] == 400
    status, body = override({"kind": "volume"})
    assert (status, body["details"]["problems"][0]["field"]) == (400, "edit.volume.volume")


def test_desk__orders_are_held_and_the_kill_switch_turned(ask, pipeline):
    decision = {"matrix": waiting(ask)["matrix"], "reason": "looks right"}
    for person in TOKENS:
        ask("POST", f"{BID}/approve", decision, by=person)

    held = ask("POST", "/orders/withdraw", {"reason": "unit 2 is out", "price_area": AREA})
    assert held.get_json()["orders"][AREA]["hold"]["by"] == "anna"
    assert pipeline.exchange.orders == {}
    ask("POST", "/orders/release", {"reason": "it is back", "day": DAY.isoformat()})
    assert len(pipeline.exchange.orders) == 1
    assert ask("POST", "/orders/lock", {"reason": "as it is"}).status_code == 200
    ask("POST", "/orders/release", {"reason": "go on"})
    assert ask("POST", "/kill-switch", {"on": True, "reason": "stop"}, by="bo").status_code == 200
    assert ask("GET", "/kill-switch").get_json()["hold"]["by"] == "bo"
    assert pipeline.exchange.orders == {}
    shown = ask("GET", "/orders", day=DAY.isoformat()).get_json()["orders"][AREA]
    assert shown["stopped"]["reason"] == "stop"
    ask("POST", "/kill-switch", {"on": False, "reason": "go"})
    assert ask("GET", "/kill-switch").get_json() == {"hold": None}


@pytest.mark.parametrize("by", [None, "token-of-nobody", " "])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.name}")
def test_desk__nobody_is_answered_who_has_not_shown_who_they_are(ask, route, by, capsys):
    path = route.path.replace("{run}", RUN).replace("{area}", AREA)

    answer = ask(route.method, path, {"on": True, "reason": "x", "matrix": "0" * 64}, by=by)

    assert (answer.status_code, answer.get_json()["code"]) == (401, "UNAUTHENTICATED")
    assert "token-of" not in capsys.readouterr().out + answer.get_data(as_text=True)


@pytest.mark.parametrize("reason", ["out\x1b[2J", "out\nNO2: STANDING", "\u202etuo", "\x9b2J"])
def test_desk__a_reason_that_a_screen_would_obey__is_refused(ask, reason: str):
    decision = {"matrix": waiting(ask)["matrix"], "reason": reason}
    answer = ask("POST", f"{BID}/approve", decision)
    assert answer.status_code == 400
    told = json.dumps(answer.get_json())
    assert '"reason"' in told
    assert "no control characters" in told


def test_desk__a_name_in_the_body_is_refused(ask):
    decision = {"matrix": waiting(ask)["matrix"], "reason": "x", "by": "bo"}

    answer = ask("POST", f"{BID}/approve", decision, by="anna")

    assert answer.status_code == 400
    assert answer.get_json()["details"]["problems"][0]["field"] == "by"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/bids/", 404),
        ("DELETE", "/bids", 404),
        ("GET", "/runs/nonsense", 400),
        ("GET", f"/runs/nordic~{DAY.isoformat()}~r9", 404),
        ("GET", f"/runs/{RUN}/areas/NO5", 404),
        ("POST", f"{BID}/approve", 400),
    ],
)
def test_desk__what_it_does_not_take(ask, method, path, status):
    assert ask(method, path).status_code == status


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/orders", {"day": "soon"}),
        ("/orders", {"price_area": "NO9"}),
        ("/bids", {"waiting": "perhaps"}),
    ],
)
def test_desk__queries_that_are_none(ask, path, query):
    answer = ask("GET", path, **query)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "INVALID_INPUT")


def test_desk__what_is_asked_is_logged_without_what_is_answered(ask, capsys):
    ask("GET", BID)

    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["message"], told["by"]) == ("bid by anna", "anna")
    assert "curves" not in line


def test_desk__the_message_is_not_taken__the_same_again_tells_it(ask, pipeline, monkeypatch):
    class Down(MemoryMessages):
        def publish(self, message):
            raise ServiceUnavailable("no")

    decision = {"matrix": waiting(ask)["matrix"], "reason": "looks right"}
    ask("POST", f"{BID}/approve", decision, by="anna")
    up = desk._wired()
    down = desk._Wired(up.settings, up.documents, up.clock, Down(), up.people)
    monkeypatch.setattr(desk, "_wired", lambda: down)
    failed = ask("POST", f"{BID}/approve", decision, by="bo")
    assert (failed.status_code, failed.get_json()["retryable"]) == (503, True)

    monkeypatch.setattr(desk, "_wired", lambda: up)
    assert ask("POST", f"{BID}/approve", decision, by="bo").status_code == 200
    assert len(pipeline.exchange.orders) == 1


def test_description__is_valid_and_has_every_route(ask):
    document = ask("GET", "/openapi.json", by=None).get_json()

    validate(document)
    described = {(m.upper(), p) for p, each in document["paths"].items() for m in each}
    assert described == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert ("requestBody" in operation) is (route.form is not None)
        assert operation["summary"]


def test_found__another_method():
    with pytest.raises(NotFound) as refused:
        found("PUT", "/kill-switch")

    assert {"GET", "POST"} <= set(refused.value.details["allowed"])


def test_token_people__a_file_that_holds_no_digests(tmp_path):
    file = tmp_path / "desk.json"
    assert_unauthenticated(TokenPeople(file))
    file.write_text('["planted"]')

    with pytest.raises(CorruptDocument, match=r"desk\.json holds no digest"):
        TokenPeople(file).who_asks({"authorization": "Bearer x"})


def assert_unauthenticated(people, **headers: str) -> None:
    with pytest.raises(Unauthenticated):
        people.who_asks({"authorization": "Bearer x", **headers})


AUDIENCE = "/projects/1/locations/europe-north1/services/desk"


class Proxy:
    """Signs as Identity-Aware Proxy does, under a key that it publishes."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked = 0
        self.up = True
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.keys = {"k1": public.decode()}

    def people(self) -> IapPeople:
        def answer(request: httpx.Request) -> httpx.Response:
            self.asked += 1
            return httpx.Response(200 if self.up else 500, json=self.keys)

        return IapPeople(AUDIENCE, httpx.Client(transport=httpx.MockTransport(answer)))

    def assertion(self, key=None, **claims: object) -> str:
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "email": "anna@example.com",
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        return jwt.encode(crypt.EsSigner.from_string(pem, "k1"), content).decode()


def test_iap_people__who_the_proxy_vouches_for():
    proxy = Proxy()
    people = proxy.people()

    for _ in range(3):
        assert people.who_asks({HEADER: proxy.assertion()}) == "anna@example.com"
    assert proxy.asked == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "/projects/1/locations/europe-north1/services/other"},
        {"iss": "https://accounts.google.com"},
        {"exp": int(MORNING.timestamp()) - 10**9},
        {"email": ""},
    ],
)
def test_iap_people__assertions_that_are_none(claims):
    proxy = Proxy()

    assert_unauthenticated(proxy.people(), **{HEADER: proxy.assertion(**claims)})


def test_iap_people__a_stranger_signs():
    proxy = Proxy()
    stranger = ec.generate_private_key(ec.SECP256R1())

    assert_unauthenticated(proxy.people())
    assert_unauthenticated(proxy.people(), **{HEADER: "nonsense"})
    assert_unauthenticated(proxy.people(), **{HEADER: proxy.assertion(stranger)})


def test_iap_people__keys_are_not_to_be_had():
    proxy = Proxy()
    proxy.up = False

    with pytest.raises(ServiceUnavailable):
        proxy.people().who_asks({HEADER: proxy.assertion()})


@pytest.mark.parametrize("both", [True, False])
def test_settings__one_way_to_show_who_one_is(monkeypatch, both):
    monkeypatch.setenv("HYDROBID_CLIENT", SINTEF)
    if both:
        monkeypatch.setenv("HYDROBID_DESK_TOKENS_FILE", "x")
        monkeypatch.setenv("HYDROBID_DESK_IAP_AUDIENCE", AUDIENCE)

    with pytest.raises(ValueError, match="one of HYDROBID_DESK_IAP_AUDIENCE"):
        DeskSettings()


def test_dry_run__asked_over_the_network__what_would_be_sent(ask, pipeline):
    assert ask("GET", f"{BID}/dry-run").get_json() == {"dry_run": None, "requests": []}
    matrix = waiting(ask)["matrix"]

    asked = ask("POST", f"{BID}/dry-run", {"matrix": matrix, "reason": "try"}).get_json()
    found = ask("GET", f"{BID}/dry-run").get_json()

    assert (asked["dry_run"]["state"], asked["dry_run"]["asked"]["by"]) == ("ASKED", "anna")
    assert (found["dry_run"]["state"], found["dry_run"]["findings"]) == ("DONE", [])
    assert [request["portfolio"] for request in found["requests"]] == [SINTEF]
    assert pipeline.exchange.orders == {}


def test_desk__series_are_pushed_and_listed(ask, pipeline):
    prices = PRICE_COLUMNS + sintef_prices(1.5)
    body = {"file": "nov.csv", "content": prices}
    pushed = ask("POST", "/series/prices", body, by="bo").get_json()
    again = ask(
        "POST",
        "/series/prices",
        {**body, "content": base64.b64encode(prices.encode()).decode(), "encoding": "base64"},
    ).get_json()

    assert (pushed["outcome"], again["outcome"]) == ("new", "unchanged")
    (series,) = ask("GET", "/series").get_json()["series"]
    assert (series["kind"], series["by"], series["content"]) == ("prices", "bo", pushed["content"])
    assert pipeline.bids.started == [(SINTEF, DAY)]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/series/wishes", {"file": "a.csv", "content": ""}, 404, None),
        ("/series/levels", {"file": "a.csv", "content": "time,Nowhere\n"}, 400, "header.Nowhere"),
        ("/series/levels", {"file": "a.xls", "content": "x"}, 400, "name"),
        ("/series/levels", {"file": "a.csv", "content": "?", "encoding": "base64"}, 400, "content"),
        ("/series/levels", {"file": "a.csv", "content": "x", "by": "bo"}, 400, "by"),
        (
            "/series/levels",
            {"file": "a.csv", "content": "x", "published": "2026-11-24T10:00"},
            400,
            "published",
        ),
    ],
)
def test_desk__series_that_are_none(ask, path, body, status, field):
    answer = ask("POST", path, body)
    assert answer.status_code == status
    if field is not None:
        fields = [p["field"] for p in answer.get_json()["details"]["problems"]]
        assert field in fields or "rows" in fields
