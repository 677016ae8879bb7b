"""HTTP targets: one request, acknowledged by a status from 200 to 299."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from emulators.scheduler.definition import HttpTarget
from emulators.scheduler.names import id_of
from emulators.scheduler.outcome import DEADLINE_EXCEEDED, UNAVAILABLE, Outcome, of_http_status
from emulators.tokens import TokenMint

WORKFLOWS_HOST: Final = "workflowexecutions.googleapis.com"
_GOOGLE: Final = ".googleapis.com"
_REPLACED: Final = ("host", "content-length", "user-agent")
_RESERVED: Final = ("x-google-", "x-appengine-", "x-cloudscheduler")


class HttpCaller:
    """Calls HTTP targets; Google's Workflows are the local ones at `workflows_host`.

    Other hosts of Google are not called: the local cloud has nothing to put in their place, and its
    tokens are good for nothing there.
    """

    def __init__(self, mint: TokenMint, workflows_host: str | None) -> None:
        self._mint = mint
        self._workflows_host = workflows_host
        # A connection is used once: a server that closes idle ones can then never make a request
        # fail. Proxies of the environment are not for loopback.
        self._client = httpx.AsyncClient(
            timeout=None,  # noqa: S113 - every attempt has its own deadline
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
            follow_redirects=True,
        )

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def call(
        self, target: HttpTarget, job: str, fire: datetime, zone: ZoneInfo, deadline: float
    ) -> Outcome:
        """Return how one attempt ended, after `deadline` seconds at most."""
        url = self._local(httpx.URL(target.uri))
        if url is None:
            return Outcome(UNAVAILABLE, f"The local cloud has nothing that answers {target.uri}.")
        headers = _headers(target, job, fire.astimezone(zone))
        authorization = await self._authorization(target)
        if authorization is not None:
            headers["authorization"] = authorization
        try:
            async with asyncio.timeout(deadline):
                response = await self._client.request(
                    target.http_method.name, url, headers=headers, content=target.body or None
                )
        except TimeoutError:
            message = f"The target did not answer within {deadline:g} seconds."
            return Outcome(DEADLINE_EXCEEDED, message)
        except httpx.HTTPError as error:
            return Outcome(UNAVAILABLE, f"The target could not be reached: {error!r}.")
        return of_http_status(response.status_code)

    def _local(self, url: httpx.URL) -> httpx.URL | None:
        if url.host == WORKFLOWS_HOST and self._workflows_host is not None:
            return httpx.URL(f"http://{self._workflows_host}").copy_with(raw_path=url.raw_path)
        return None if url.host.endswith(_GOOGLE) else url

    async def _authorization(self, target: HttpTarget) -> str | None:
        if target.oidc_token is not None:
            token = target.oidc_token
            return f"Bearer {await self._mint.token(token.service_account_email, token.audience or target.uri)}"
        if target.oauth_token is not None:
            access = target.oauth_token
            return f"Bearer {await self._mint.token(access.service_account_email, f'oauth2:{access.scope}')}"
        return None


def _headers(target: HttpTarget, job: str, fire: datetime) -> dict[str, str]:
    """Return the caller's headers but for those that are Google's to set, and Google's own."""
    given = {name.lower(): value for name, value in target.headers.items()}
    headers = {
        name: value
        for name, value in given.items()
        if name not in _REPLACED and not name.startswith(_RESERVED)
    }
    if target.body:
        headers.setdefault("content-type", "application/octet-stream")
    return {
        **headers,
        "user-agent": "Google-Cloud-Scheduler",
        "x-cloudscheduler": "true",
        "x-cloudscheduler-jobname": id_of(job),
        "x-cloudscheduler-scheduletime": fire.isoformat(),
    }
