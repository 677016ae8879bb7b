"""HTTP to Nord Pool's Auction API: timeouts, patience, and what each failure means.

A call that changes nothing may be repeated at will. A call that changes something is repeated only
where the exchange says that it has not looked at it (401, 429): where it may have reached the exchange,
the outcome is unknown until the exchange is read.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from hydrobid.adapters.nordpool_patience import hurry, patience, patience_left
from hydrobid.adapters.nordpool_token import Credentials, TokenKeeper
from hydrobid.adapters.redaction import Redactor
from hydrobid.adapters.telemetry import send_traced
from hydrobid.domain.errors import (
    ExchangeDenied,
    ExchangeRefused,
    OrderConflict,
    OutcomeUnknown,
    ServiceUnavailable,
)
from hydrobid.domain.plain_text import plain

TIMEOUT = httpx.Timeout(connect=3.0, read=10.0, write=10.0, pool=3.0)
READ_TRIES = 3
FIRST_WAIT = 0.2
LONGEST_PATIENCE = 3.0
"""Seconds that a call may wait in all; with its timeouts, a look and an act stay below a lease."""
LEAST_SKEW = timedelta(seconds=2)
"""A Date header has whole seconds, and the answer took a while: less says nothing."""
LONGEST_WORDS = 500
LONGEST_ANSWER = 2000
"""Characters that are kept of what the exchange says, as text: its form is its own, and of any size."""
CONTENT_REFUSED = (
    httpx.codes.BAD_REQUEST,
    httpx.codes.REQUEST_ENTITY_TOO_LARGE,
    httpx.codes.UNPROCESSABLE_ENTITY,
)
OTHER_ORDER_STANDS = (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT)
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
AT_ONCE = (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""Failures that cost no timeout, so that there is time to try again."""


class NordPoolSession:
    """An authorised connection; safe to share between threads."""

    def __init__(
        self,
        api_url: str,
        token_url: str,
        credentials: Callable[[], Credentials],
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        hooks = {"request": [hurry]}
        self._http = httpx.Client(
            base_url=api_url, timeout=TIMEOUT, transport=transport, event_hooks=hooks
        )
        self._redactor = Redactor()
        self._tokens = TokenKeeper(self._http, token_url, credentials, self._redactor)
        self._sleep, self._wall_clock = sleep, wall_clock
        self.ahead = timedelta(0)

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Keep what is read in the context to so many seconds of real time."""
        return patience(seconds)

    def read(self, path: str, **query: str) -> Any:
        """Return the JSON of a GET, which is tried again where a failure was quick.

        Raises:
            ServiceUnavailable: no usable answer. ExchangeDenied: we may not, or it is not there.
        """
        waits = [FIRST_WAIT * 2**n for n in range(READ_TRIES - 1)]
        while True:
            failure, asked = self._read_once(path, query)
            if not isinstance(failure, ServiceUnavailable):
                return failure
            wait = asked if asked is not None else (waits[0] if waits else None)
            if not waits or wait is None or wait > min(LONGEST_PATIENCE, patience_left()):
                raise failure
            waits.pop(0)
            self._sleep(wait)

    def change(self, method: str, path: str, content: dict[str, Any]) -> Any:
        """Return the JSON of a POST or PATCH, which acts at most once.

        Raises:
            ServiceUnavailable: it did not reach the exchange. OutcomeUnknown: it may have.
            ExchangeRefused, OrderConflict, ExchangeDenied: nothing changed, and why.
        """
        response = self._change_once(method, path, content)
        wait = _retry_after(response)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS and wait is not None:
            if wait > LONGEST_PATIENCE:
                raise _too_many_requests(path, wait)
            self._sleep(wait)
            response = self._change_once(method, path, content)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise OutcomeUnknown(f"exchange: {response.status_code}", path=path)
        return self._accepted(response, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give back the connections."""
        self._http.close()

    def _read_once(
        self, path: str, query: dict[str, str]
    ) -> tuple[Any | ServiceUnavailable, float | None]:
        """Return an answer's JSON; or a failure, and the seconds to wait if they were told."""
        try:
            response = self._send("GET", path, params=query)
        except AT_ONCE as error:
            return ServiceUnavailable(f"exchange: {self._kind(error)}", path=path), None
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"exchange: {self._kind(error)}", path=path) from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            wait = _retry_after(response)
            return _too_many_requests(path, wait), wait
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            failure = ServiceUnavailable(f"exchange: {response.status_code}", path=path)
            return failure, _retry_after(response)
        try:
            return self._accepted(response, path), None
        except (ExchangeRefused, OrderConflict) as error:
            raise ExchangeDenied(error.message, **error.details) from error

    def _change_once(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        try:
            return self._send(method, path, json=content)
        except UNSENT as error:
            raise ServiceUnavailable(f"exchange: {self._kind(error)}", path=path) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"exchange: {self._kind(error)}", path=path) from error

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send with a token; an answer of 401 fetches one new token and sends once more."""
        token = self._tokens.token()
        response = self._send_once(token, method, path, **parts)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.drop(token)
            response = self._send_once(self._tokens.token(), method, path, **parts)
        return response

    def _send_once(self, token: str, method: str, path: str, **parts: Any) -> httpx.Response:
        headers, name = {"Authorization": f"Bearer {token}"}, f"exchange {method} {path}"
        response = send_traced(self._http.request, name, method, path, headers=headers, **parts)
        self._note_clock(response)
        return response

    def _note_clock(self, response: httpx.Response) -> None:
        """Note by how much the exchange's clock is ahead of this machine's."""
        try:
            told = parsedate_to_datetime(response.headers["Date"])
            ahead = told - self._wall_clock()
        except (KeyError, ValueError, TypeError):
            return
        self.ahead = ahead if abs(ahead) > LEAST_SKEW else timedelta(0)

    def _accepted(self, response: httpx.Response, path: str) -> Any:
        """Return an answer's JSON, or raise what its status says of the request."""
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise _too_many_requests(path, _retry_after(response))
        if not response.is_error:
            try:
                return plain(response.json(parse_constant=_no_number))
            except (ValueError, RecursionError):
                raise ExchangeDenied("the exchange's answer is no JSON", path=path) from None
        said, answer = self._words(response)
        if status in CONTENT_REFUSED:
            raise ExchangeRefused(said, status=status, answer=answer)
        if status in OTHER_ORDER_STANDS:
            raise OrderConflict(said, status=status, answer=answer)
        raise ExchangeDenied(said, status=status, answer=answer, path=path)

    def _words(self, response: httpx.Response) -> tuple[str, str]:
        """Return what an answer says of an error, in short and whole, as both may be kept and told."""
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = response.text
        # Cut last: of a secret that lies across the cut, a part would be left.
        body = self._redactor.clean(plain(body))
        whole = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        told = (body.get("detail") or body.get("message")) if isinstance(body, dict) else whole
        return str(told or response.reason_phrase)[:LONGEST_WORDS], whole[:LONGEST_ANSWER]

    def _kind(self, error: httpx.HTTPError) -> str:
        said = self._redactor.clean(str(error))
        return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _no_number(told: str) -> float:
    raise ValueError(f"{told} is no JSON")


def _too_many_requests(path: str, wait: float | None) -> ServiceUnavailable:
    return ServiceUnavailable("exchange: too many requests", path=path, retry_after=wait)


def _retry_after(response: httpx.Response) -> float | None:
    """Return for how many seconds an answer asks to wait; None where it says nothing of use."""
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
