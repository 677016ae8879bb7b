"""The exchange, wired with the account that a file holds."""

from __future__ import annotations

import json

from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import Credentials, NordPoolSession
from hydrobid.bootstrap.settings import ExchangeSettings


def exchange_of(settings: ExchangeSettings) -> NordPoolExchange:
    """Return the exchange that the settings name."""
    content = json.loads(settings.exchange_credentials_file.read_text(encoding="utf-8"))
    credentials = Credentials.from_document(content)
    session = NordPoolSession(settings.exchange_url, settings.exchange_token_url, credentials)
    return NordPoolExchange(session)
