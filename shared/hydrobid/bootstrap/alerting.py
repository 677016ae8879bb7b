"""Alerts, wired: told at the end of what a function does, to its log and what settings name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from hydrobid.adapters.alert_log import LogNotifier
from hydrobid.adapters.notifications import Account, EmailNotifier, WebhookNotifier
from hydrobid.bootstrap.settings import AlertSettings
from hydrobid.bootstrap.telemetry import log_of
from hydrobid.domain.errors import HydrobidError, InvalidInput
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.records import Alert
from hydrobid.pipeline.alerts import send_alerts
from hydrobid.pipeline.ports import Clock, Documents, Notifier


@contextmanager
def alerts_sent(
    function: str, client: ClientId, documents: Documents, clock: Clock
) -> Iterator[None]:
    """Tell every unsent alert when the work within has ended, well or not.

    Whatever goes wrong in telling is logged and changes nothing about the work's own outcome: the
    next call tells what is left.
    """
    try:
        yield
    finally:
        _send(function, client, documents, clock)


def _send(function: str, client: ClientId, documents: Documents, clock: Clock) -> None:
    log, notifiers = log_of(function), _notifiers(function, client)
    if any(isinstance(notifier, Misconfigured) for notifier in notifiers):
        _notifiers.cache_clear()  # whoever mends a file is not to have to start us anew
    try:
        untold = send_alerts(documents, clock, notifiers)
    except HydrobidError as error:
        log.write("ERROR", f"alerts not told: {error.message}", **error.as_document())
        return
    except Exception as error:  # noqa: BLE001 - a fault in telling must not repeat or undo a bid
        log.crash(error)
        return
    for one in untold:
        log.failure(one.error, alert=one.alert, channel=one.channel)


@dataclass(frozen=True)
class Misconfigured:
    """Stands in for a channel that is set wrongly: alerts stay unsent by it, and the log says why."""

    channel: str
    error: InvalidInput

    def notify(self, alert: Alert) -> None:
        """Raise InvalidInput, whatever the alert."""
        del alert
        raise self.error


@lru_cache(maxsize=1)
def _notifiers(function: str, client: ClientId) -> tuple[Notifier, ...]:
    """Return the log, which always tells, and what the settings name: a fault in one costs no other."""
    found: list[Notifier] = [LogNotifier(client, log_of(function))]
    try:
        settings = AlertSettings.from_environment()
    except InvalidInput as error:
        return *found, Misconfigured("settings", error)
    for channel, build in _CHANNELS.items():
        try:
            notifier = build(settings, client)
        except InvalidInput as error:
            notifier = Misconfigured(channel, error)
        if notifier is not None:
            found.append(notifier)
    return tuple(found)


def notifiers_of(settings: AlertSettings, client: ClientId) -> tuple[Notifier, ...]:
    """Return the notifiers that the settings name, none where they name none.

    Raises:
        InvalidInput: an address or a secret's file is not as it should be; it is not shown.
    """
    built = (build(settings, client) for build in _CHANNELS.values())
    return tuple(notifier for notifier in built if notifier is not None)


def _webhook(settings: AlertSettings, client: ClientId) -> Notifier | None:
    if settings.alert_webhook_url is None:
        return None
    url = settings.alert_webhook_url.get_secret_value()
    return WebhookNotifier(client, url, _webhook_secret(settings))


def _email(settings: AlertSettings, client: ClientId) -> Notifier | None:
    if not settings.alert_email_to:
        return None
    server = settings.smtp_host, settings.smtp_port
    addresses = settings.alert_email_from, settings.alert_email_to
    return EmailNotifier(client, *server, *addresses, _smtp_account(settings))


_CHANNELS: dict[str, Callable[[AlertSettings, ClientId], Notifier | None]] = {
    WebhookNotifier.channel: _webhook,
    EmailNotifier.channel: _email,
}


def _webhook_secret(settings: AlertSettings) -> SecretStr | None:
    file = settings.alert_webhook_secret_file
    if file is None:
        return None
    secret = _text_of(file, "HYDROBID_ALERT_WEBHOOK_SECRET_FILE").strip()
    if not secret:
        raise InvalidInput.of(str(file), "content", "", "the secret that signs alerts")
    return SecretStr(secret)


def _smtp_account(settings: AlertSettings) -> Account | None:
    file = settings.smtp_credentials_file
    if file is None:
        return None
    try:
        content = json.loads(_text_of(file, "HYDROBID_SMTP_CREDENTIALS_FILE"))
        username, password = content["username"], content["password"]
    except (ValueError, KeyError, TypeError):
        raise _wrong_account(file) from None
    if not (isinstance(username, str) and isinstance(password, str)):
        raise _wrong_account(file)
    return Account(username=username, password=SecretStr(password))


def _wrong_account(file: Path) -> InvalidInput:
    return InvalidInput.of(str(file), "content", "not shown", "JSON: username, password, as text")


def _text_of(file: Path, variable: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        expected = "a file of text that this process may read"
        raise InvalidInput.of("environment", variable, str(file), expected) from None
