"""The notifier port on a webhook and on e-mail.

Both tell a version of an alert under a name that derives from it, by which a receiver knows a
repetition. What is secret (an account, a key, a webhook's whole address) is in no error.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from hydrobid.domain.base import Value
from hydrobid.domain.errors import InvalidInput, PermanentError, ServiceUnavailable
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.records import Alert
from hydrobid.domain.time import utc_text

TIMEOUT_SECONDS = 10.0
LONGEST_SUBJECT = 150
OUTBOX_FIELDS = {"version", "delivery", "told", "sent"}
TRY_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class NotificationRefused(PermanentError):
    """The receiver answered, and does not take an alert: a person must see to the settings."""

    code = "NOTIFICATION_REFUSED"


class Account(Value):
    """An account at a mail server."""

    username: str
    password: SecretStr


class WebhookNotifier:
    """Posts alerts as JSON.

    Headers: `Idempotency-Key`, equal for repetitions; with a secret, `Hydrobid-Signature`:
    `sha256=` and the hex HMAC-SHA256 of the body. A redirection is not followed: a refusal.
    """

    channel = "webhook"

    def __init__(self, client: ClientId, url: str, secret: SecretStr | None = None) -> None:
        """Raise InvalidInput where alerts would go over the network unprotected."""
        self._client, self._secret = client, secret
        self._host, self._port, self._path, self._tls = _target(url)

    def notify(self, alert: Alert) -> None:
        """Tell an alert; return when the receiver answered with success."""
        body = json.dumps(_content(self._client, alert), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": _key(self._client, alert),
        }
        if self._secret is not None:
            secret = self._secret.get_secret_value().encode()
            signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
            headers["Hydrobid-Signature"] = f"sha256={signature}"
        status = self._post(body, headers)
        if status in TRY_LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ServiceUnavailable(f"webhook: {status}", host=self._host, status=status)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotificationRefused(f"webhook: {status}", host=self._host, status=status)

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        # Not httpx: it logs the address of every request, and a webhook's is often its secret.
        connection = (
            http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=TIMEOUT_SECONDS,
                context=ssl.create_default_context(),
            )
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        )
        try:
            connection.request("POST", self._path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise ServiceUnavailable(
                f"webhook: {type(error).__name__}", host=self._host, port=self._port
            ) from error
        finally:
            connection.close()


class EmailNotifier:
    """Sends alerts as plain text through a mail server, over TLS begun with STARTTLS.

    An alert is told when the server took it for at least one recipient. Message-ID is equal for
    repetitions; an alert raised and resolved is one thread.
    """

    channel = "email"

    def __init__(
        self,
        client: ClientId,
        host: str,
        port: int,
        sender: str,
        recipients: Sequence[str],
        account: Account | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Raise InvalidInput where an address could be in no message.

        tls: what the server's certificate is checked by; the machine's authorities by default.
        """
        _check_addresses("HYDROBID_ALERT_EMAIL_FROM", sender)
        _check_addresses("HYDROBID_ALERT_EMAIL_TO", *recipients)
        self._client, self._host, self._port = client, host, port
        self._sender, self._recipients, self._account = sender, tuple(recipients), account
        self._tls = tls or ssl.create_default_context()

    def notify(self, alert: Alert) -> None:
        """Tell an alert; return when the server took it."""
        message = self._message(alert)
        try:
            with smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS) as session:
                session.starttls(context=self._tls)
                if self._account is not None:
                    password = self._account.password.get_secret_value()
                    session.login(self._account.username, password)
                session.send_message(message)
        except smtplib.SMTPResponseException as error:
            raise self._failure(error, error.smtp_code) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise self._failure(
                error, min(code for code, _ in error.recipients.values())
            ) from error
        except (smtplib.SMTPNotSupportedError, UnicodeError) as error:
            # No TLS, no login, or an account that the login's ASCII cannot spell.
            raise self._failure(error, None, refused=True) from error
        except OSError as error:
            raise self._failure(error, None) from error

    def _failure(
        self, error: Exception, status: int | None, *, refused: bool = False
    ) -> ServiceUnavailable | NotificationRefused:
        """Return what a failure means: the server's replies from 500 on are final."""
        final = refused or (status is not None and status >= 500)
        kind = NotificationRefused if final else ServiceUnavailable
        return kind(f"e-mail: {type(error).__name__}", host=self._host, status=status)

    def _message(self, alert: Alert) -> EmailMessage:
        state = str(alert.severity) if alert.resolved is None else "RESOLVED"
        what = " ".join(alert.message.split())
        message = EmailMessage(policy=SMTP)
        message["Subject"] = f"[{self._client}] {state} {alert.code}: {what}"[:LONGEST_SUBJECT]
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = formatdate()
        message["Message-ID"] = self._message_id(_key(self._client, alert))
        message["References"] = self._message_id(f"{self._client}~{alert.id}")
        message.set_content(_text(self._client, alert))
        return message

    def _message_id(self, name: str) -> str:
        domain = self._sender.rpartition("@")[2].rstrip("> ")
        return f"<{hashlib.sha256(name.encode()).hexdigest()[:32]}@{domain}>"


def _key(client: ClientId, alert: Alert) -> str:
    """Return the name of what is told: two clients may have alerts of one id."""
    return f"{client}~{alert.id}~{alert.version}"


def _content(client: ClientId, alert: Alert) -> dict[str, Any]:
    content = alert.model_dump(mode="json", exclude=OUTBOX_FIELDS)
    return {"client": client, "state": "open" if alert.resolved is None else "resolved", **content}


def _text(client: ClientId, alert: Alert) -> str:
    raised = f"Raised {utc_text(alert.at)}"
    times = raised if alert.resolved is None else f"{raised}, resolved {utc_text(alert.resolved)}"
    return (
        f"{alert.severity} {alert.code}\n{times}\nClient {client}, run {alert.run}\n\n"
        f"What happened: {alert.message}\n\n"
        f"What was done: {alert.done}\n\n"
        f"What you can do: {alert.action}\n\n"
        f"Details:\n{json.dumps(alert.context, indent=2, ensure_ascii=False)}\n"
    )


def _target(url: str) -> tuple[str, int | None, str, bool]:
    """Return host, port, path and whether to use TLS; without it only this machine is reached."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong_address("an address that cannot be read") from None
    tls = parts.scheme == "https"
    if not host or parts.username is not None or not (tls or _on_loopback(parts.scheme, host)):
        raise _wrong_address(f"{parts.scheme}://{host}")
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if not (path.isascii() and path.isprintable()) or " " in path:
        raise _wrong_address(f"{parts.scheme}://{host}, and a path that no request could have")
    return host, port, path, tls


def _check_addresses(variable: str, *addresses: str) -> None:
    """Whoever is named may be named in any letters; other addresses than ASCII need SMTPUTF8."""
    for address in addresses:
        _, plain = parseaddr(address)
        name, _, domain = plain.rpartition("@")
        if not (name and domain and plain.isascii() and address.isprintable()):
            expected = "an address in ASCII, such as alerts@example.com"
            raise InvalidInput.of("environment", variable, "not shown", expected)


def _on_loopback(scheme: str, host: str) -> bool:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return scheme == "http" and loopback


def _wrong_address(shown: str) -> InvalidInput:
    expected = "https without a user in it, or http on this machine's loopback"
    return InvalidInput.of("environment", "HYDROBID_ALERT_WEBHOOK_URL", shown, expected)
