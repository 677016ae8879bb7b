"""A client's bucket in Cloud Storage: its notifications, and the files that they tell of.

https://cloud.google.com/storage/docs/pubsub-notifications has the form of a notification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydrobid.adapters.pushes import pushed_content
from hydrobid.domain.errors import CorruptDocument, FileGone, InvalidInput, ServiceUnavailable
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.messages import FileArrived
from hydrobid.schema.tables import MAX_BYTES

READ_SECONDS = 60.0
FINALIZED = "OBJECT_FINALIZE"


def notified_file(client: ClientId, data: Any) -> tuple[str, FileArrived] | None:
    """Return the bucket and the file that a pushed notification tells of, None for other events.

    Raises:
        CorruptDocument: it is no notification.
    """
    content = pushed_content(data)
    attributes = data["message"].get("attributes")
    event = attributes.get("eventType") if isinstance(attributes, Mapping) else None
    if event is None:
        raise CorruptDocument("a message of a bucket that names no event")
    if event != FINALIZED:
        return None
    try:
        message = {
            "client": client,
            "name": content["name"],
            "version": content["generation"],
            "published": content["timeCreated"],
        }
        return str(content["bucket"]), FileArrived.from_document(message)
    except KeyError as error:
        raise CorruptDocument(f"a notification of a bucket without {error}") from None


class BucketFiles:
    """The files of one bucket."""

    def __init__(self, bucket: str) -> None:
        # A third of a second to import: only a file that arrived is worth it.
        from google.cloud.storage import Client  # noqa: PLC0415

        self._client = Client()
        self._bucket = self._client.bucket(bucket)

    def read(self, name: str, version: str) -> bytes:
        """Return a version of a file, which may not be larger than series are."""
        from google.api_core import exceptions  # noqa: PLC0415 - as above
        from google.auth.exceptions import TransportError  # noqa: PLC0415

        blob = self._bucket.blob(name, generation=int(version))
        # Whoever pushed the notification pushes it again: waiting here would only outlast its patience.
        try:
            blob.reload(timeout=READ_SECONDS, retry=None)
            if blob.size is None or blob.size > MAX_BYTES:
                raise InvalidInput.of(name, "size", blob.size, f"at most {MAX_BYTES} bytes")
            content: bytes = blob.download_as_bytes(timeout=READ_SECONDS, retry=None)
        except exceptions.NotFound as error:
            raise FileGone(f"{name} is not there any more", name=name, version=version) from error
        except (exceptions.GoogleAPICallError, TransportError, OSError) as error:
            told = type(error).__name__
            raise ServiceUnavailable(f"Cloud Storage: {told}", name=name) from error
        return content

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
