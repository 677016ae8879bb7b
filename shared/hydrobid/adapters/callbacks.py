"""The callbacks port over HTTP: tells executions that wait, without their API's own client."""

from __future__ import annotations

import google.auth
import google.auth.transport.requests
import httpx

from hydrobid.adapters.telemetry import send_traced
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.pipeline.ports import Document

CALL_SECONDS = 20.0
GOOGLE_CALLBACKS = "workflowexecutions.googleapis.com"
GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE)


class HttpCallbacks:
    """The callbacks port: a POST to each address."""

    def call(self, url: str, content: Document) -> None:
        """Call back; an execution that is gone is ignored.

        Google's own callbacks, and no other address, get this function's access token.
        """
        google = httpx.URL(url).host == GOOGLE_CALLBACKS
        headers = {"Authorization": f"Bearer {_access_token()}"} if google else {}
        try:
            response = send_traced(
                httpx.request,
                "callback",
                "POST",
                url,
                headers=headers,
                json=content,
                timeout=CALL_SECONDS,
            )
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"callback: {error}", url=url) from error
        if response.is_error and response.status_code not in GONE:
            raise ServiceUnavailable(f"callback: {response.status_code}", url=url)


def _access_token() -> str:
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
    return str(credentials.token)
