"""Alerts, wired: told at the end of what a function does, to its log and what settings name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from hydrobid.adapters.alert_log import LogNotifier
from hydrobid.adapters.notifications import Account, EmailNotifier, WebhookNotifier
from hydrobid.bootstrap.settings import AlertSettings
from hydrobid.bootstrap.telemetry import log_of
from hydrobid.domain.errors import HydrobidError, InvalidInput
from hydrobid.domain.identifiers import ClientId
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
    log = log_of(function)
    try:
        untold = send_alerts(documents, clock, _notifiers(function, client))
    except HydrobidError as error:
        log.write("ERROR", f"alerts not told: {error.message}", **error.as_document())
        return
    except Exception as error:  # noqa: BLE001 - a fault in telling must not repeat or undo a bid
        log.crash(error)
        return
    for one in untold:
        log.failure(one.error, alert=one.alert, channel=one.channel)


@lru_cache(maxsize=1)
def _notifiers(function: str, client: ClientId) -> tuple[Notifier, ...]:
    named = notifiers_of(AlertSettings.from_environment(), client)
    return LogNotifier(client, log_of(function)), *named


def notifiers_of(settings: AlertSettings, client: ClientId) -> tuple[Notifier, ...]:
    """Return the notifiers that the settings name, none where they name none.

    Raises:
        InvalidInput: an address or a secret's file is not as it should be; it is not shown.
    """
    notifiers: list[Notifier] = []
    if settings.alert_webhook_url is not None:
        url = settings.alert_webhook_url.get_secret_value()
        notifiers.append(WebhookNotifier(client, url, _webhook_secret(settings)))
    if settings.alert_email_to:
        notifiers.append(
            EmailNotifier(
                client,
                settings.smtp_host,
                settings.smtp_port,
                settings.alert_email_from,
                settings.alert_email_to,
                _smtp_account(settings),
            )
        )
    return tuple(notifiers)


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
