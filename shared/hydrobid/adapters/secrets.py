"""Secrets by reference: a setting says where a secret is, and never what it is.

| reference | where the secret is |
|---|---|
| `file:/run/secrets/exchange.json` | in a file, as Cloud Run mounts one |
| `env:EXCHANGE_ACCOUNT` | in a variable of the environment |
| `secret:projects/P/secrets/S/versions/latest` | in Secret Manager, whose version may be a number |
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from hydrobid.domain.errors import InvalidInput, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

CALL_SECONDS = 10.0
VERSION: Final = re.compile(r"projects/[^/]+/secrets/[^/]+/versions/[^/]+")
EXPECTED: Final = (
    "file:PATH, env:NAME or secret:projects/P/secrets/S/versions/V, with latest for the newest"
)

Secret = Callable[[], SecretStr]
"""Reads a secret anew, so that one that was changed is in use without a restart.

Raises NotFound where there is none, and ServiceUnavailable where it cannot be had now. Neither tells
anything of what was found.
"""


def secret_at(
    reference: str, manager: Callable[[], SecretManagerServiceClient] | None = None
) -> Secret:
    """Return how to read the secret that a reference names.

    manager: makes the client of Secret Manager; Google's own if None. Raises:
        InvalidInput: it is no reference. Its text is not shown, it may be the secret itself.
    """
    source, _, place = reference.partition(":")
    match source:
        case "file" if place:
            return lambda: _from_file(Path(place))
        case "env" if place:
            return lambda: _from_environment(place)
        case "secret" if VERSION.fullmatch(place):
            return lambda: _from_manager(place, (manager or _google_client)())
        case _:
            raise InvalidInput.of("settings", "secret", "not shown", EXPECTED)


def _from_file(path: Path) -> SecretStr:
    try:
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        raise NotFound(f"no secret can be read from {path.name}", file=path.name) from None


def _from_environment(name: str) -> SecretStr:
    value = os.environ.get(name, "")
    if not value:
        raise NotFound(f"no secret in the environment as {name}", variable=name)
    return SecretStr(value)


def _from_manager(version: str, client: SecretManagerServiceClient) -> SecretStr:
    # Loaded already where there is a client; nobody else needs it.
    from google.api_core.exceptions import (  # noqa: PLC0415
        ClientError,
        GoogleAPICallError,
    )

    try:
        with client:
            found = client.access_secret_version(name=version, timeout=CALL_SECONDS)
        return SecretStr(found.payload.data.decode().strip())
    except (ClientError, ValueError) as error:
        told = type(error).__name__
        raise NotFound(f"{version} cannot be read: {told}", version=version) from None
    except GoogleAPICallError as error:
        told = type(error).__name__
        raise ServiceUnavailable(f"Secret Manager: {told}", version=version) from None


def _google_client() -> SecretManagerServiceClient:
    # Half a second to import: only whoever has a secret there waits for it.
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient  # noqa: PLC0415

    return SecretManagerServiceClient()
