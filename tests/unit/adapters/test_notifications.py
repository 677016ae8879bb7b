"""Notifiers against receivers on loopback: what arrives, what a failure means, what is kept secret."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from hydrobid.adapters.notifications import (
    Account,
    EmailNotifier,
    NotificationRefused,
    WebhookNotifier,
)
from hydrobid.domain.alerts import AlertCode, Severity
from hydrobid.domain.errors import HydrobidError, InvalidInput, ServiceUnavailable
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.records import Alert

CLIENT = ClientId("sintef-example")
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SECRET = "planted-key"
PASSWORD = "planted-password"
ALERT = Alert(
    id="nordic~2026-11-25~r1~AREA_WITHOUT_BID~abc",
    severity=Severity.CRITICAL,
    code=AlertCode.AREA_WITHOUT_BID,
    message="NO2 has no bid:\nnone of its Åsets",
    done="nothing was sent",
    action="bid by hand",
    run="nordic~2026-11-25~r1",
    subject="NO2",
    at=AT,
    context={"missing": {"tokke": "FAILED"}},
)
RESOLVED = ALERT.changed(resolved=AT + timedelta(minutes=5))


@contextmanager
def serving(handler: Any, **attributes: Any) -> Iterator[Any]:
    """Serve connections on a free port of loopback, each in a thread, until the block ends."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False

    with Server(("127.0.0.1", 0), handler) as server:
        for name, value in attributes.items():
            setattr(server, name, value)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted; answers with the server's `status`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def webhook(status: int = 204, secret: SecretStr | None = None) -> Iterator[tuple[Any, Any]]:
    with serving(Receiver, posts=[], status=status) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/hook?token=planted-token"
        yield WebhookNotifier(CLIENT, url, secret), server.posts


def test_webhook__what_arrives_is_whole_signed_and_named():
    with webhook(secret=SecretStr(SECRET)) as (notifier, posts):
        for alert in (ALERT, ALERT, RESOLVED):
            notifier.notify(alert)

    (path, headers, body), again, (_, other, resolved) = posts
    content = json.loads(body)
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert path == "/hook?token=planted-token"
    assert headers["Hydrobid-Signature"] == f"sha256={signature}"
    assert headers["Idempotency-Key"] == f"{CLIENT}~{ALERT.id}~1"
    assert again == posts[0]
    assert other["Idempotency-Key"] == f"{CLIENT}~{ALERT.id}~2"
    assert (content["client"], content["state"], content["code"]) == (CLIENT, "open", ALERT.code)
    assert (content["message"], content["done"]) == (ALERT.message, ALERT.done)
    assert (content["action"], content["context"]) == (ALERT.action, ALERT.context)
    assert json.loads(resolved)["state"] == "resolved"
    assert "delivery" not in content


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, ServiceUnavailable), (429, ServiceUnavailable), (400, NotificationRefused)],
)
def test_webhook__what_an_answer_means(status: int, error: type[HydrobidError]):
    with webhook(status) as (notifier, _), pytest.raises(error, match=str(status)):
        notifier.notify(ALERT)


def test_webhook__a_redirection_is_not_followed():
    with webhook(307) as (notifier, posts), pytest.raises(NotificationRefused):
        notifier.notify(ALERT)

    assert len(posts) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.example.com/planted-token",
        "http://127.0.0.1.example.com/planted-token",
        "https://user:planted-password@example.com/",
        "ftp://127.0.0.1/planted-token",
        "https:///planted-token",
        "https://example.com:planted-token/",
        "https://example.com/planted-å",
        "https://example.com/planted token",
    ],
)
def test_webhook__an_address_that_would_not_protect_it_is_refused_and_not_shown(url: str):
    with pytest.raises(InvalidInput, match="HYDROBID_ALERT_WEBHOOK_URL") as refusal:
        WebhookNotifier(CLIENT, url)

    assert "planted" not in json.dumps(refusal.value.as_document())


def test_webhook__nobody_there__no_secret_in_error_or_log(caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    with webhook(secret=SecretStr(SECRET)) as (notifier, _):
        notifier.notify(ALERT)

    with pytest.raises(ServiceUnavailable, match="ConnectionRefusedError") as refusal:
        notifier.notify(ALERT)

    told = json.dumps(refusal.value.as_document()) + caplog.text + repr(vars(notifier)["_secret"])
    assert "planted" not in told


@pytest.mark.parametrize(
    "planted",
    ["planted@exämple.com", "plånted@example.com", "planted", "planted@example.com\nBcc: x"],
)
@pytest.mark.parametrize("variable", ["HYDROBID_ALERT_EMAIL_FROM", "HYDROBID_ALERT_EMAIL_TO"])
def test_email__an_address_that_no_message_could_have_is_refused_and_not_shown(
    variable: str, planted: str
):
    addresses = {
        "HYDROBID_ALERT_EMAIL_FROM": "a@example.com",
        "HYDROBID_ALERT_EMAIL_TO": "b@example.com",
    }
    sender, recipient = (addresses | {variable: planted}).values()
    with pytest.raises(InvalidInput, match=variable) as refusal:
        EmailNotifier(CLIENT, "mail.example.com", 587, sender, (recipient,))

    assert "planted" not in json.dumps(refusal.value.as_document())


class MailServer(socketserver.StreamRequestHandler):
    """Enough of SMTP for one message; `replies` replaces the reply to a command."""

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command in self.server.replies:
                self._say(self.server.replies[command])
                continue
            match command:
                case "EHLO":
                    self._say("250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS")
                case "STARTTLS":
                    self._say("220 go on")
                    super().finish()
                    self.request = self.server.tls.wrap_socket(self.request, server_side=True)
                    self.setup()
                case "AUTH":
                    self.server.logins.append(line)
                    self._say("235 welcome")
                case "DATA":
                    self._say("354 go on")
                    self.server.mails.append(self._mail())
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server knows only the socket from before TLS

    def _mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return message_from_bytes(b"".join(lines), policy=default)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate of its own for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(pem))
    return file


Mail = Callable[..., Any]


@pytest.fixture
def mail(certificate: Path) -> Mail:
    @contextmanager
    def running(replies: dict[str, str] | None = None, *, trusted: bool = True) -> Iterator[Any]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        trust = ssl.create_default_context(cafile=certificate) if trusted else None
        account = Account(username="hydrobid", password=SecretStr(PASSWORD))
        with serving(MailServer, tls=tls, replies=replies or {}, logins=[], mails=[]) as server:
            host, port = server.server_address
            to = ["desk@example.com", "dam@example.com"]
            sender = "hydrobid <alerts@example.com>"
            yield EmailNotifier(CLIENT, host, port, sender, to, account, trust), server

    return running


def test_mail__what_arrives_is_plain_whole_and_one_thread(mail: Mail):
    with mail() as (notifier, server):
        for alert in (ALERT, ALERT, RESOLVED):
            notifier.notify(alert)

    first, again, resolved = server.mails
    text = first.get_content().replace("\r\n", "\n")
    assert first["Subject"] == (
        f"[{CLIENT}] CRITICAL AREA_WITHOUT_BID: NO2 has no bid: none of its Åsets"
    )
    assert first["To"] == "desk@example.com, dam@example.com"
    assert first.get_content_type() == "text/plain"
    for part in (ALERT.message, ALERT.done, ALERT.action, ALERT.run, '"tokke": "FAILED"'):
        assert part in text
    assert first["Message-ID"] == again["Message-ID"] != resolved["Message-ID"]
    assert first["Message-ID"].endswith("@example.com>")
    assert first["References"] == resolved["References"]
    assert "RESOLVED" in resolved["Subject"]
    assert len(server.logins) == 3


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({"EHLO": "250 here"}, NotificationRefused),
        ({"STARTTLS": "454 not now"}, ServiceUnavailable),
        ({"AUTH": "535 who are you"}, NotificationRefused),
        ({"RCPT": "550 no such desk"}, NotificationRefused),
        ({"RCPT": "450 later"}, ServiceUnavailable),
        ({"DATA": "554 no"}, NotificationRefused),
    ],
)
def test_mail__what_a_reply_means(mail: Mail, replies: dict[str, str], error: type[HydrobidError]):
    with mail(replies) as (notifier, server), pytest.raises(error) as failure:
        notifier.notify(ALERT)

    assert server.mails == []
    assert PASSWORD not in json.dumps(failure.value.as_document())


def test_mail__a_server_that_nobody_vouches_for_gets_nothing(mail: Mail):
    with (
        mail(trusted=False) as (notifier, server),
        pytest.raises(ServiceUnavailable, match="SSLCertVerificationError"),
    ):
        notifier.notify(ALERT)

    assert (server.logins, server.mails) == ([], [])
