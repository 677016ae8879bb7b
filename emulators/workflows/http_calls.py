"""HTTP requests of executions, as Cloud Workflows makes them and reads what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeAlias

import httpx

from emulators.tokens import TokenMint
from emulators.workflows import limits
from emulators.workflows.effects import SendRequest
from emulators.workflows.errors import (
    WorkflowError,
    limit_error,
    system_error,
    timeout_error,
    type_error,
    value_error,
)
from emulators.workflows.values import Value, from_json, is_number, to_json, type_name

Query: TypeAlias = list[tuple[str, str | int | float | bool | None]]

_USER_AGENT = "GoogleCloudWorkflows; (+https://cloud.google.com/workflows/docs)"
_JSON = "application/json; charset=utf-8"


class HttpCalls:
    """The client of all executions; tokens are made locally and carry the caller's account."""

    def __init__(self, mint: TokenMint) -> None:
        self._mint = mint
        # A connection is used once: a server that closes idle ones can then never make a request
        # fail. Proxies of the environment are not for loopback.
        self._client = httpx.AsyncClient(
            timeout=None,  # noqa: S113 - every request has its own deadline
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def send(self, request: SendRequest, account: str) -> Value:
        """Return {code, headers, body} of the response; the account is the workflow's own."""
        headers = _headers(request)
        if request.auth is not None:
            headers["Authorization"] = f"Bearer {await self._token(request, account)}"
        content = _content(request.body, headers)
        query = _query(request.query)
        try:
            async with asyncio.timeout(request.timeout):
                return await self._exchange(request, headers, query, content)
        except TimeoutError:
            message = f"no response from {request.url} within {request.timeout:g} seconds"
            raise timeout_error(message) from None
        except httpx.ConnectError as error:
            message = f"connection to {request.url} failed: {error}"
            raise system_error("ConnectionFailedError", message) from error
        except httpx.TransportError as error:
            message = f"connection to {request.url} broke: {error!r}"
            raise system_error("ConnectionError", message) from error
        except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
            raise value_error(f"cannot request {request.url}: {error}") from error

    async def _exchange(
        self,
        request: SendRequest,
        headers: dict[str, str],
        query: Query,
        content: bytes | None,
    ) -> Value:
        url = httpx.URL(request.url)
        if query:
            url = url.copy_merge_params(query)
        async with self._client.stream(
            request.method, url, headers=headers, content=content, follow_redirects=True
        ) as response:
            body = await _limited_body(response)
        return _result(response, body)

    async def _token(self, request: SendRequest, account: str) -> str:
        if request.auth["type"] == "OAuth2":
            scopes = request.auth.get("scopes", request.auth.get("scope"))
            return await self._mint.token(account, f"oauth2:{scopes}")
        return await self._mint.token(account, request.auth.get("audience", request.url))


def _headers(request: SendRequest) -> dict[str, str]:
    headers = {name: _text(value, f"header {name}") for name, value in request.headers.items()}
    agent = next((name for name in headers if name.lower() == "user-agent"), "User-Agent")
    headers[agent] = f"{headers[agent]} {_USER_AGENT}" if agent in headers else _USER_AGENT
    return headers


def _content(body: Value, headers: dict[str, str]) -> bytes | None:
    """Return the request's body in bytes; a content type is added where none was given."""
    if body is None:
        return None
    given = next((headers[name] for name in headers if name.lower() == "content-type"), None)
    if isinstance(body, bytes):
        headers.setdefault("Content-Type", given or "application/octet-stream")
        return body
    if given is None:
        headers["Content-Type"] = _JSON
    elif _media_type(given) != "application/json":
        if isinstance(body, str):
            return body.encode()
        raise type_error(f"a body of type {given} must be a string or bytes, not {type_name(body)}")
    return to_json(body).encode()


def _query(query: Value) -> Query:
    pairs: Query = []
    for name, value in query.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, _text(item, f"query parameter {name}")) for item in values]
    return pairs


def _text(value: Value, what: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return str(value)
    raise type_error(f"{what} must be a string, a number or a boolean, not {type_name(value)}")


async def _limited_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limits.HTTP_RESPONSE_BYTES:
            allowed = limits.HTTP_RESPONSE_BYTES
            raise limit_error(f"the response of {response.url} has more than {allowed} bytes")
    return bytes(body)


def _result(response: httpx.Response, body: bytes) -> Value:
    result = {
        "code": response.status_code,
        "headers": canonical_headers(response.headers),
        "body": decoded_body(body, response.headers.get("content-type", "")),
    }
    if response.status_code >= httpx.codes.BAD_REQUEST:
        message = f"HTTP server responded with error code {response.status_code}"
        raise WorkflowError({"message": message, "tags": ["HttpError"], **result})
    return result


def canonical_headers(headers: Mapping[str, str]) -> dict[str, Value]:
    """Return headers under the names that workflows find them by: Content-Type, not content-type."""
    return {
        "-".join(part.capitalize() for part in name.split("-")): headers[name] for name in headers
    }


def decoded_body(body: bytes, content_type: str) -> Value:
    """Return a body as a workflow sees it: JSON decoded, text as a string, the rest as bytes.

    JSON that cannot be decoded stays text.
    """
    media_type = _media_type(content_type)
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            return from_json(body) if body else None
        except WorkflowError:
            return body.decode(errors="replace")
    if media_type.startswith("text/") or not body:
        return body.decode(errors="replace")
    return body


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
