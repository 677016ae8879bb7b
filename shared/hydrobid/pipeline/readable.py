"""What is stored, as far as it can be read: screens show the rest beside what is broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from hydrobid.domain.base import Value
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Document, Documents

K = TypeVar("K")
V = TypeVar("V", bound=Value)


class Unreadable(Value):
    """A stored document that cannot be read. path: where it lies; of a bid, its first part. why: in words."""

    path: str
    why: str


class Readable:
    """Reads documents and leaves out what cannot be read; `unreadable` tells what that was."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self._unreadable: dict[str, Unreadable] = {}

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """What could not be read so far, by path."""
        return tuple(found for _, found in sorted(self._unreadable.items()))

    def each(self, kind: type[V], where: Mapping[K, str]) -> dict[K, V]:
        """Return the documents of one form that exist at the given paths, by the paths' keys."""
        stored = self.documents.get_many([*where.values()])
        read = {
            key: self._read(kind, path, document)
            for (key, path), document in zip(where.items(), stored, strict=True)
            if document is not None
        }
        return {key: value for key, value in read.items() if value is not None}

    def found(self, kind: type[V], collection: str, **equal: str) -> list[V]:
        """Return the documents of a collection whose fields equal what is given."""
        found = self.documents.find(collection, **equal)
        read = (self._read(kind, f"{collection}/{name}", found[name]) for name in found)
        return [value for value in read if value is not None]

    def matrix(self, digest: str) -> BidMatrix | None:
        """Return the bid of a digest, None where it is broken or gone."""
        try:
            return BidMatrix.from_document(get_blob(self.documents, digest))
        except PermanentError as error:
            self._note(paths.blob(digest, 0), error)
            return None

    def _read(self, kind: type[V], path: str, document: Document) -> V | None:
        try:
            return kind.from_document(document)
        except PermanentError as error:
            self._note(path, error)
            return None

    def _note(self, path: str, error: PermanentError) -> None:
        self._unreadable[path] = Unreadable(path=path, why=error.message)
