"""A client's bucket: what notifications say, and files as Cloud Storage's API serves them."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from hydrobid.adapters.bucket import BucketFiles, notified_file
from hydrobid.domain.errors import CorruptDocument, FileGone, InvalidInput, ServiceUnavailable
from hydrobid.domain.identifiers import ClientId
from hydrobid.schema.tables import MAX_BYTES

CLIENT = ClientId("sintef-example")
OBJECT = {
    "kind": "storage#object",
    "bucket": "p-sintef-example-inputs",
    "name": "prices/nov.csv",
    "generation": "1700000000000001",
    "timeCreated": "2026-11-24T09:29:00.123Z",
    "size": "6",
}


def notification(content: object, **attributes: str) -> dict:
    data = base64.b64encode(json.dumps(content).encode()).decode()
    return {"message": {"data": data, "attributes": attributes, "messageId": "1"}}


def test_notification__of_a_file_that_was_put_there():
    found = notified_file(CLIENT, notification(OBJECT, eventType="OBJECT_FINALIZE"))

    assert found is not None
    bucket, file = found
    assert bucket == "p-sintef-example-inputs"
    assert (file.name, file.version) == ("prices/nov.csv", "1700000000000001")
    assert file.published.isoformat() == "2026-11-24T09:29:00.123000+00:00"


def test_notification__of_another_event_or_of_none():
    assert notified_file(CLIENT, notification(OBJECT, eventType="OBJECT_DELETE")) is None
    for broken in (notification(OBJECT), notification({}, eventType="OBJECT_FINALIZE"), {}, None):
        with pytest.raises(CorruptDocument):
            notified_file(CLIENT, broken)


class Storage(BaseHTTPRequestHandler):
    """One object in two generations, one of them far too large, and an API that may be out of order."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        generation = query.get("generation", [""])[0]
        if generation == "503":
            self._answer(503, b"{}")
        elif "prices%2Fnov.csv" not in self.path or generation not in ("1", "2"):
            self._answer(404, b"{}")
        elif query.get("alt") == ["media"]:
            self._answer(200, b"a,b\n1\n")
        else:
            size = 6 if generation == "1" else MAX_BYTES + 1
            self._answer(
                200, json.dumps({**OBJECT, "size": str(size), "generation": generation}).encode()
            )

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def files():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        patch.setenv("GOOGLE_CLOUD_PROJECT", "p")
        patch.setenv("NO_PROXY", "127.0.0.1")
        found = BucketFiles("p-sintef-example-inputs")
        yield found
        found.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_files__a_version_is_read(files):
    assert files.read("prices/nov.csv", "1") == b"a,b\n1\n"


def test_files__too_large__is_refused_before_it_is_read(files):
    with pytest.raises(InvalidInput, match=str(MAX_BYTES)):
        files.read("prices/nov.csv", "2")


def test_files__gone_or_no_answer(files, monkeypatch):
    monkeypatch.setattr("hydrobid.adapters.bucket.READ_SECONDS", 0.2)
    with pytest.raises(FileGone):
        files.read("prices/nov.csv", "3")
    with pytest.raises(ServiceUnavailable, match="Cloud Storage"):
        files.read("prices/nov.csv", "503")
