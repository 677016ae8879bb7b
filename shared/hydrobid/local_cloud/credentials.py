"""Accounts at the local exchange: made at random once, kept in files that only their owner reads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from hydrobid.domain.identifiers import ClientId, Portfolio
from hydrobid.local_cloud.files import write_atomically
from hydrobid.local_cloud.layout import DataFolder

OAUTH_CLIENT = "hydrobid-local"
SECRET_BYTES = 24


def ensure_accounts(folder: DataFolder, portfolios: Mapping[ClientId, Portfolio]) -> None:
    """Give each client an account for its portfolio; accounts that exist keep their passwords."""
    folder.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    accounts = _accounts(folder)
    before = json.dumps(accounts)
    for client, portfolio in portfolios.items():
        user = accounts["users"].setdefault(client, {"password": _secret()})
        user["portfolios"] = [portfolio]
    if json.dumps(accounts) != before or not folder.exchange_accounts.exists():
        _write(folder, accounts)


def account_names(folder: DataFolder) -> list[str]:
    """Return who has an account for which portfolio, without any secret."""
    users = _accounts(folder)["users"]
    return [f"{user}: {', '.join(users[user]['portfolios'])}" for user in sorted(users)]


def _write(folder: DataFolder, accounts: dict[str, Any]) -> None:
    for user, account in accounts["users"].items():
        own = {
            "client_id": accounts["client_id"],
            "client_secret": accounts["client_secret"],
            "username": user,
            "password": account["password"],
        }
        write_atomically(folder.exchange_account(ClientId(user)), json.dumps(own).encode())
    # Last: where it is, all are.
    write_atomically(folder.exchange_accounts, json.dumps(accounts).encode())


def _accounts(folder: DataFolder) -> dict[str, Any]:
    try:
        accounts: dict[str, Any] = json.loads(folder.exchange_accounts.read_bytes())
    except FileNotFoundError:
        return {"client_id": OAUTH_CLIENT, "client_secret": _secret(), "users": {}}
    return accounts


def _secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)
