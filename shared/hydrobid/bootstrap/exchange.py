"""The exchange, wired: Nord Pool with the account that a secret holds, reserves through a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hydrobid.adapters.exchange_by_market import ExchangeByMarket
from hydrobid.adapters.folder_channel import FolderChannel
from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.adapters.nordpool_token import Credentials
from hydrobid.adapters.reserve_gateway import Channel, OutboxGateway
from hydrobid.adapters.reserve_market import ReserveMarket
from hydrobid.adapters.secrets import Secret, secret_at
from hydrobid.bootstrap.settings import ExchangeSettings
from hydrobid.domain.errors import CorruptDocument, ExchangeDenied, NotFound
from hydrobid.pipeline.ports import Clock, Documents, Exchange


def exchange_of(settings: ExchangeSettings, documents: Documents, clock: Clock) -> Exchange:
    """Return the exchange of a client's markets.

    Raises:
        InvalidInput: the setting is no reference to a secret.
    """
    folder = settings.reserve_folder
    channel: Channel = _NoChannel() if folder is None else FolderChannel(folder)
    reserves = ReserveMarket(OutboxGateway(documents, channel, clock), clock)
    return ExchangeByMarket(nord_pool_of(settings), reserves)


def nord_pool_of(settings: ExchangeSettings) -> NordPoolExchange:
    """Return Nord Pool as the settings name it; its account is read whenever it is needed.

    Raises:
        InvalidInput: the setting is no reference to a secret.
    """
    secret = secret_at(settings.exchange_credentials)
    return NordPoolExchange(
        NordPoolSession(
            settings.exchange_url, settings.exchange_token_url, lambda: account_in(secret)
        )
    )


class _NoChannel:
    """What there is where no folder is set: nothing is taken to have been sent or to have come."""

    def hand_over(self, name: str, content: bytes) -> None:
        raise _no_folder(name, len(content))

    def arrived(self) -> Iterator[tuple[str, bytes]]:
        raise _no_folder()

    def take(self, name: str) -> None:
        raise _no_folder(name)


def _no_folder(*_: object) -> ExchangeDenied:
    return ExchangeDenied("no folder for reserve bids is set: HYDROBID_RESERVE_FOLDER")


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
