"""The exchange, wired with the account that a file holds."""

from __future__ import annotations

import json

from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import Credentials, NordPoolSession
from hydrobid.bootstrap.settings import ExchangeSettings
from hydrobid.domain.errors import CorruptDocument


def exchange_of(settings: ExchangeSettings) -> NordPoolExchange:
    """Return the exchange that the settings name.

    Raises:
        CorruptDocument: the file holds no account; what it holds is not told, it may be a secret.
    """
    file = settings.exchange_credentials_file
    try:
        credentials = Credentials.from_document(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, CorruptDocument):
        needed = ", ".join(Credentials.model_fields)
        raise CorruptDocument(f"{file.name} holds no account: a JSON object of {needed}") from None
    session = NordPoolSession(settings.exchange_url, settings.exchange_token_url, credentials)
    return NordPoolExchange(session)
