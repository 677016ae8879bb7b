"""The exchange, wired with the account that a secret holds."""

from __future__ import annotations

import json

from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.adapters.nordpool_token import Credentials
from hydrobid.adapters.secrets import Secret, secret_at
from hydrobid.bootstrap.settings import ExchangeSettings
from hydrobid.domain.errors import CorruptDocument, ExchangeDenied, NotFound


def exchange_of(settings: ExchangeSettings) -> NordPoolExchange:
    """Return the exchange that the settings name; its account is read whenever it is needed.

    Raises:
        InvalidInput: the setting is no reference to a secret.
    """
    secret = secret_at(settings.exchange_credentials)
    return NordPoolExchange(
        NordPoolSession(
            settings.exchange_url, settings.exchange_token_url, lambda: account_in(secret)
        )
    )


def account_in(secret: Secret) -> Credentials:
    """Return the account that a secret holds.

    Raises:
        ExchangeDenied: there is none, or the secret holds something else, which is not told.
        ServiceUnavailable: it cannot be had now.
    """
    try:
        return Credentials.from_document(json.loads(secret().get_secret_value()))
    except NotFound as missing:
        raise ExchangeDenied(
            f"no account at the exchange: {missing.message}", **missing.details
        ) from None
    except (ValueError, CorruptDocument):
        needed = ", ".join(Credentials.model_fields)
        raise ExchangeDenied(
            f"the secret holds no account at the exchange: a JSON object of {needed}"
        ) from None
