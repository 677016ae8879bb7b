"""Tokens of Nord Pool's single sign-on, fetched with an account and kept until shortly before they end.

The account is read anew for each token: one that was changed is in use without a restart.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable

import httpx
from pydantic import SecretStr

from hydrobid.adapters.redaction import Redactor
from hydrobid.domain.base import Value
from hydrobid.domain.errors import ExchangeDenied, ServiceUnavailable

MARGIN_SECONDS = 60.0


class Credentials(Value):
    """An account at the exchange."""

    client_id: str
    client_secret: SecretStr
    username: str
    password: SecretStr


class TokenKeeper:
    """Has a token at hand; safe to share between threads.

    Its lifetime is counted on a clock that nobody sets, from before it was asked for.
    """

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        credentials: Callable[[], Credentials],
        redactor: Redactor,
    ) -> None:
        self._http, self._url = http, url
        self._credentials, self._redactor = credentials, redactor
        self._lock = threading.Lock()
        self._token: tuple[str, float] | None = None

    def token(self) -> str:
        """Return a token that has not ended.

        Raises:
            ServiceUnavailable: none can be had now. ExchangeDenied: not with this account.
        """
        with self._lock:
            if self._token is None or self._token[1] <= time.monotonic():
                self._token = self._new_token()
            return self._token[0]

    def drop(self, token: str) -> None:
        """Let a token go that was refused, unless another took its place meanwhile."""
        with self._lock:
            if self._token is not None and self._token[0] == token:
                self._token = None

    def _new_token(self) -> tuple[str, float]:
        account, asked = self._credentials(), time.monotonic()
        secret = account.client_secret.get_secret_value()
        password = account.password.get_secret_value()
        basic = base64.b64encode(f"{account.client_id}:{secret}".encode()).decode()
        self._redactor.hide(secret, password, basic)
        form = {
            "grant_type": "password",
            "scope": "auction_api",
            "username": account.username,
            "password": password,
        }
        try:
            response = self._http.post(self._url, data=form, auth=(account.client_id, secret))
        except httpx.HTTPError as error:
            told = type(error).__name__
            raise ServiceUnavailable(f"exchange's token service: {told}") from error
        if response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
            raise ExchangeDenied(
                "the exchange does not know these credentials", status=response.status_code
            )
        if response.status_code != httpx.codes.OK:
            raise ServiceUnavailable(f"exchange's token service: {response.status_code}")
        try:
            body = response.json()
            token, lifetime = str(body["access_token"]), float(body["expires_in"])
            token.encode("ascii")  # as a header holds it
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ExchangeDenied("the exchange's token service answers in another form") from None
        self._redactor.hide(token)
        return token, asked + max(lifetime - MARGIN_SECONDS, 0.0)
