"""HTTP to Nord Pool's Auction API: tokens, timeouts, and what each failure means.

A call that changes nothing may be repeated at will. A call that changes something is never repeated
here: where it may have reached the exchange, the outcome is unknown until the exchange is read.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Self

import httpx
from pydantic import SecretStr

from hydrobid.adapters.telemetry import send_traced
from hydrobid.domain.base import Value
from hydrobid.domain.errors import (
    ExchangeDenied,
    ExchangeRefused,
    OrderConflict,
    OutcomeUnknown,
    ServiceUnavailable,
)

TIMEOUT = httpx.Timeout(connect=3.0, read=10.0, write=10.0, pool=3.0)
TOKEN_MARGIN_SECONDS = 60.0
LONGEST_WORDS = 500
CONTENT_REFUSED = (
    httpx.codes.BAD_REQUEST,
    httpx.codes.REQUEST_ENTITY_TOO_LARGE,
    httpx.codes.UNPROCESSABLE_ENTITY,
)
OTHER_ORDER_STANDS = (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT)


class Credentials(Value):
    """An account at the exchange."""

    client_id: str
    client_secret: SecretStr
    username: str
    password: SecretStr


class NordPoolSession:
    """An authorised connection; safe to share between threads."""

    def __init__(
        self,
        api_url: str,
        token_url: str,
        credentials: Credentials,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=api_url, timeout=TIMEOUT, transport=transport)
        self._token_url, self._credentials = token_url, credentials
        self._lock = threading.Lock()
        self._token: tuple[str, float] | None = None

    def read(self, path: str, **query: str) -> Any:
        """Return the JSON of a GET.

        Raises:
            ServiceUnavailable: no usable answer. ExchangeDenied: we may not, or it is not there.
        """
        try:
            response = self._send("GET", path, params=query)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"exchange: {_kind(error)}", path=path) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServiceUnavailable(f"exchange: {response.status_code}", path=path)
        try:
            return _accepted(response, path)
        except (ExchangeRefused, OrderConflict) as error:
            raise ExchangeDenied(error.message, **error.details) from error

    def change(self, method: str, path: str, content: dict[str, Any]) -> Any:
        """Return the JSON of a POST or PATCH, which is made once.

        Raises:
            ServiceUnavailable: it did not reach the exchange. OutcomeUnknown: it may have.
            ExchangeRefused, OrderConflict, ExchangeDenied: nothing changed, and why.
        """
        try:
            response = self._send(method, path, json=content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ServiceUnavailable(f"exchange: {_kind(error)}", path=path) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"exchange: {_kind(error)}", path=path) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise OutcomeUnknown(f"exchange: {response.status_code}", path=path)
        return _accepted(response, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give back the connections."""
        self._http.close()

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send with a token; an answer of 401 fetches one new token and sends once more."""
        response = self._send_once(method, path, **parts)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            with self._lock:
                self._token = None
            response = self._send_once(method, path, **parts)
        return response

    def _send_once(self, method: str, path: str, **parts: Any) -> httpx.Response:
        headers = self._authorisation()
        name = f"exchange {method} {path}"
        return send_traced(self._http.request, name, method, path, headers=headers, **parts)

    def _authorisation(self) -> dict[str, str]:
        with self._lock:
            if self._token is None or self._token[1] <= time.monotonic():
                self._token = self._new_token()
            return {"Authorization": f"Bearer {self._token[0]}"}

    def _new_token(self) -> tuple[str, float]:
        """Return a token and when to stop using it, a little before it expires."""
        account = self._credentials
        try:
            response = self._http.post(
                self._token_url,
                data={
                    "grant_type": "password",
                    "scope": "auction_api",
                    "username": account.username,
                    "password": account.password.get_secret_value(),
                },
                auth=(account.client_id, account.client_secret.get_secret_value()),
            )
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"exchange's token service: {_kind(error)}") from error
        if response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
            raise ExchangeDenied(
                "the exchange does not know these credentials", status=response.status_code
            )
        if response.status_code != httpx.codes.OK:
            raise ServiceUnavailable(f"exchange's token service: {response.status_code}")
        body = response.json()
        lifetime = max(float(body["expires_in"]) - TOKEN_MARGIN_SECONDS, 0.0)
        return str(body["access_token"]), time.monotonic() + lifetime


def _accepted(response: httpx.Response, path: str) -> Any:
    """Return an answer's JSON, or raise what its status says of the request."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise ServiceUnavailable("exchange: too many requests", path=path)
    try:
        body = response.json()
    except ValueError:
        body = {"detail": response.text[:LONGEST_WORDS]}
    if not response.is_error:
        return body
    words = body if isinstance(body, dict) else {"detail": str(body)[:LONGEST_WORDS]}
    said = str(words.get("detail") or words.get("message") or response.reason_phrase)
    if status in CONTENT_REFUSED:
        raise ExchangeRefused(said, status=status, answer=words)
    if status in OTHER_ORDER_STANDS:
        raise OrderConflict(said, status=status, answer=words)
    raise ExchangeDenied(said, status=status, answer=words, path=path)


def _kind(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
