"""Who asks, as Google's Identity-Aware Proxy vouches for it in a header that it signs.

https://cloud.google.com/iap/docs/signed-headers-howto. The proxy decides who gets in; that a request
came through it is verified here, so that an address that is reached otherwise gives nobody a name.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

import httpx
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from hydrobid.domain.errors import ServiceUnavailable, Unauthenticated

HEADER = "x-goog-iap-jwt-assertion"
ISSUER = "https://cloud.google.com/iap"
KEYS = "https://www.gstatic.com/iap/verify/public_key"
KEYS_SECONDS = 300.0
TIMEOUT = httpx.Timeout(5.0)
CLOCK_SKEW_SECONDS = 30


class IapPeople:
    """People by the proxy's assertions for one audience.

    client: fetches the proxy's public keys, which are kept for five minutes.
    """

    def __init__(self, audience: str, client: httpx.Client | None = None) -> None:
        self._audience = audience
        self._client = client or httpx.Client(timeout=TIMEOUT)
        self._lock = Lock()
        self._keys: dict[str, str] = {}
        self._fetched = float("-inf")

    def who_asks(self, headers: Mapping[str, str]) -> str:
        """Return the e-mail address that the proxy vouches for."""
        assertion = headers.get(HEADER)
        if not assertion:
            raise Unauthenticated(f"the request did not come through the proxy: no {HEADER}")
        try:
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                assertion,
                certs=self._current_keys(),
                audience=self._audience,
                clock_skew_in_seconds=CLOCK_SKEW_SECONDS,
            )
        except (ValueError, GoogleAuthError) as error:
            # Its words may hold the assertion.
            raise Unauthenticated(f"{HEADER} is not valid: {type(error).__name__}") from None
        if claims.get("iss") != ISSUER or not claims.get("email"):
            raise Unauthenticated(f"{HEADER} is not of {ISSUER} about a person")
        return str(claims["email"])

    def _current_keys(self) -> dict[str, str]:
        with self._lock:
            if time.monotonic() - self._fetched > KEYS_SECONDS:
                try:
                    answer = self._client.get(KEYS).raise_for_status()
                    self._keys = dict(answer.json())
                except (httpx.HTTPError, ValueError) as error:
                    raise ServiceUnavailable(f"{KEYS} did not answer as it should") from error
                self._fetched = time.monotonic()
            return self._keys
