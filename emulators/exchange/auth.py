"""Who may come in: OAuth 2.0 password grants (RFC 6749, 4.3) and the bearer tokens that they earn.

Tokens live in memory and expire by real time, never by the market's clock. A restart forgets them:
clients meet a 401 and ask for a new one, as they must be able to.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emulators.clock import real_seconds

SCOPE = "auction_api"


class CredentialsFileError(Exception):
    """A credentials file that cannot be used; the message names the file and the field."""


class _Account(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    password: str = Field(min_length=1, repr=False)
    portfolios: tuple[str, ...]


class Credentials(BaseModel):
    """The one OAuth client and its users, each with the names of the portfolios that are theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1, repr=False)
    users: dict[str, _Account]


@dataclass(frozen=True)
class User:
    """Someone who has shown a valid token."""

    name: str
    portfolios: frozenset[str]


@dataclass(frozen=True)
class Token:
    """A bearer token as it is handed out; `expires_in` counts real seconds."""

    value: str
    expires_in: int


@dataclass(frozen=True)
class TokenRequest:
    """What a client sends to the token endpoint; None is what it left out."""

    authorization: str | None
    grant_type: str | None
    scope: str | None
    username: str | None
    password: str | None


class TokenRefused(Exception):
    """A token request that is refused, in the words of RFC 6749, 5.2."""

    def __init__(
        self, error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class TokenDesk:
    """Hands out tokens and knows whose they are."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        lifetime_seconds: int,
        real_time: Callable[[], float] = real_seconds,
    ) -> None:
        self._credentials = credentials
        self._lifetime = lifetime_seconds
        self._real_time = real_time
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[User, float]] = {}

    def grant(self, request: TokenRequest) -> Token:
        """Return a new token for a right user name and password, or raise `TokenRefused`."""
        self._require_client(request.authorization)
        if request.grant_type != "password":
            description = f"grant_type {request.grant_type!r}: only password is supported"
            raise TokenRefused("unsupported_grant_type", description)
        if request.scope != SCOPE:
            raise TokenRefused("invalid_scope", f"scope {request.scope!r}: only {SCOPE} exists")
        if request.username is None or request.password is None:
            raise TokenRefused("invalid_request", "username and password are both needed")
        account = self._credentials.users.get(request.username)
        if account is None or not _same(account.password, request.password):
            raise TokenRefused("invalid_grant", "invalid_username_or_password")
        user = User(request.username, frozenset(account.portfolios))
        return self._issue(user)

    def user_of(self, token: str) -> User | None:
        """Return whose token it is, or None when it is unknown or has expired."""
        with self._lock:
            user, expiry = self._tokens.get(token, (None, 0.0))
        return user if self._real_time() < expiry else None

    def forget_all(self) -> None:
        """Let every token that was handed out end now."""
        with self._lock:
            self._tokens = {}

    def _issue(self, user: User) -> Token:
        value = secrets.token_urlsafe(32)
        now = self._real_time()
        with self._lock:
            living = {token: held for token, held in self._tokens.items() if now < held[1]}
            self._tokens = {**living, value: (user, now + self._lifetime)}
        return Token(value, self._lifetime)

    def _require_client(self, authorization: str | None) -> None:
        given = _basic_credentials(authorization)
        wanted = f"{self._credentials.client_id}:{self._credentials.client_secret}"
        if given is None or not _same(wanted, given):
            description = "the Authorization header has to carry the client's id and secret (Basic)"
            raise TokenRefused("invalid_client", description, HTTPStatus.UNAUTHORIZED)


def load_credentials(path: Path) -> Credentials:
    """Return the credentials that a JSON file holds, or raise `CredentialsFileError`."""
    try:
        return Credentials.model_validate_json(path.read_bytes())
    except ValidationError as error:
        # The values stay out of the message: they are secrets.
        findings = "; ".join(
            f"{'.'.join(str(step) for step in item['loc']) or 'document'}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise CredentialsFileError(f"{path}: {findings}") from None
    except OSError as error:
        raise CredentialsFileError(f"{path}: {error.strerror}") from error


def _basic_credentials(authorization: str | None) -> str | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode("utf-8"), given.encode("utf-8", "surrogatepass"))
