"""Content-addressed storage: canonical JSON, compressed, in chunks below a document's limit."""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import Any

from hydrobid.domain.canonical import canonical_json, digest_of_bytes
from hydrobid.domain.errors import CorruptDocument, NotFound
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents, Put

CHUNK_BYTES = 900_000


def blob_writes(content: Any, expires: datetime | None = None) -> tuple[str, tuple[Put, ...]]:
    """Return the digest of `content` and the writes that store it, for a batch of the caller's.

    expires: only of what nothing but this batch points at, since who writes the same last has the say.
    """
    plain = canonical_json(content)
    digest = digest_of_bytes(plain)
    packed = zlib.compress(plain)
    chunks = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
    return digest, tuple(
        Put(paths.blob(digest, index), {"data": chunk, "chunks": len(chunks)}, expires)
        for index, chunk in enumerate(chunks)
    )


def put_blob(documents: Documents, content: Any) -> str:
    """Store `content` and return its digest; content that is stored already is left alone."""
    digest, writes = blob_writes(content)
    if documents.get(writes[-1].path) is None:
        # One by one, the last chunk last: where it is, all are.
        for write in writes:
            documents.commit(write)
    return digest


def get_blob(documents: Documents, digest: str) -> Any:
    """Return the content of a digest.

    Raises:
        NotFound: there is no such content. CorruptDocument: it does not match its digest.
    """
    first = documents.get(paths.blob(digest, 0))
    if first is None:
        raise NotFound(f"no content {digest}", digest=digest)
    try:
        others = [paths.blob(digest, index) for index in range(1, first["chunks"])]
        rest = documents.get_many(others)
        if None in rest:  # what expires goes chunk by chunk
            raise NotFound(f"parts of content {digest} are gone", digest=digest)
        chunks = [first, *(chunk for chunk in rest if chunk is not None)]
        plain = zlib.decompress(b"".join(chunk["data"] for chunk in chunks))
    except (zlib.error, KeyError, TypeError) as error:
        raise CorruptDocument(f"content {digest} is broken: {error}", digest=digest) from error
    if digest_of_bytes(plain) != digest:
        raise CorruptDocument(f"content {digest} is not what it was", digest=digest)
    return json.loads(plain)
