"""Resource names: databases, documents, collections, and the order they sort in.

A name is `projects/P/databases/D/documents/C/I/C/I...`. Names sort segment by segment: numeric ids
(`__id7__`) before all others and by their number, the others by their UTF-8 bytes. `encode` turns
segments into bytes that sort the same way, so that the store's index is in name order, and so that
the key of a document is a prefix of the keys of everything beneath it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from emulators.firestore.errors import InvalidArgumentError

_ROOT = re.compile(r"(projects/[^/]+/databases/[^/]+)/documents(?=/|\Z)")
_DATABASE = re.compile(r"projects/[^/]+/databases/[^/]+\Z")
_RESERVED = re.compile(r"__.+__\Z", re.DOTALL)
_NUMERIC = re.compile(r"__id(-?\d{1,19})__\Z")

_ID_BYTES = 1500
_MOST_SEGMENTS = 200  # a hundred levels of collections
_INT64 = 1 << 63

_NUMBER, _TEXT = b"\x01", b"\x02"
_ESCAPED_NUL, _END = b"\x00\xff", b"\x00\x01"


def encode(segments: tuple[str, ...]) -> bytes:
    """Return bytes that sort as the segments do, a prefix of what is encoded of any longer path."""
    return b"".join(_encode_segment(segment) for segment in segments)


def decode(key: bytes) -> tuple[str, ...]:
    """Return the segments that `encode` made `key` of."""
    segments = []
    position = 0
    while position < len(key):
        start = position + 1
        if key[position : position + 1] == _NUMBER:
            end = start + 8
            segments.append(f"__id{int.from_bytes(key[start:end], 'big') - _INT64}__")
        else:
            end = key.index(_END, start)
            segments.append(key[start:end].replace(_ESCAPED_NUL, b"\x00").decode())
        position = end + len(_END)
    return tuple(segments)


def _encode_segment(segment: str) -> bytes:
    number = _numeric_id(segment)
    if number is not None:
        return _NUMBER + (number + _INT64).to_bytes(8, "big") + _END
    return _TEXT + segment.encode().replace(b"\x00", _ESCAPED_NUL) + _END


def _numeric_id(segment: str) -> int | None:
    found = _NUMERIC.match(segment) if segment.startswith("__id") else None
    number = int(found[1]) if found else None
    return number if number is not None and -_INT64 <= number < _INT64 else None


@dataclass(frozen=True, slots=True)
class Parent:
    """What collections lie in: a document, or the root of a database when `segments` is empty."""

    database: str
    segments: tuple[str, ...]
    key: bytes

    @property
    def name(self) -> str:
        """The full resource name."""
        return "/".join((self.database, "documents", *self.segments))


@dataclass(frozen=True, slots=True)
class DocumentPath:
    """A document's full name, taken apart once; `key` sorts as the name does."""

    name: str
    database: str
    segments: tuple[str, ...]
    key: bytes
    parent_key: bytes

    @property
    def collection_id(self) -> str:
        """The last collection of the path, which is the group the document belongs to."""
        return self.segments[-2]


def parse_database(name: str) -> str:
    """Return `name` when it names a database (`projects/P/databases/D`)."""
    if not _DATABASE.match(name):
        raise InvalidArgumentError(
            f'Database name "{name}" is not of the form "projects/{{project}}/databases/{{database}}".'
        )
    return name


@lru_cache(maxsize=16_384)
def parse_document(name: str) -> DocumentPath:
    """Return the path of a document's full name.

    Raises InvalidArgumentError for names of collections, reserved or empty ids, and ids over
    1,500 bytes, in the service's wording.
    """
    database, segments = _parse(name, "Document name")
    if not segments or len(segments) % 2:
        raise InvalidArgumentError(f'Document name "{name}" lacks "/" at index {len(name)}.')
    return _document_path(name, database, segments)


def _document_path(name: str, database: str, segments: tuple[str, ...]) -> DocumentPath:
    return DocumentPath(name, database, segments, encode(segments), encode(segments[:-2]))


def document_in(parent: Parent, collection_id: str, document_id: str) -> DocumentPath:
    """Return the path of a document by its collection and id; both are checked."""
    if "/" in document_id:
        raise InvalidArgumentError(f'Document ID "{document_id}" is invalid: it contains "/".')
    check_collection_id(collection_id)
    return parse_document(f"{parent.name}/{collection_id}/{document_id}")


def document_at(database: str, segments: tuple[str, ...]) -> DocumentPath:
    """Return the path of a document by segments that were checked when they were stored."""
    name = "/".join((database, "documents", *segments))
    return _document_path(name, database, segments)


@lru_cache(maxsize=4_096)
def parse_parent(name: str) -> Parent:
    """Return the parent that a document's name or `.../documents` stands for."""
    database, segments = _parse(name, "Document parent name")
    if len(segments) % 2:
        raise InvalidArgumentError(f'Document parent name "{name}" lacks "/" at index {len(name)}.')
    return Parent(database, segments, encode(segments))


def _parse(name: str, what: str) -> tuple[str, tuple[str, ...]]:
    root = _ROOT.match(name)
    if root is None:
        raise InvalidArgumentError(
            f'{what} "{name}" is not of the form '
            '"projects/{project}/databases/{database}/documents/{path}".'
        )
    if root.end() == len(name):
        return root[1], ()
    segments = tuple(name[root.end() + 1 :].split("/"))
    index = root.end() + 1
    for position, segment in enumerate(segments):
        _check_segment(segment, name, what, index, is_collection=position % 2 == 0)
        index += len(segment) + 1
    if len(segments) > _MOST_SEGMENTS:
        raise InvalidArgumentError(f'{what} "{name}" has more than {_MOST_SEGMENTS} segments.')
    return root[1], segments


def _check_segment(segment: str, name: str, what: str, index: int, *, is_collection: bool) -> None:
    if not segment:
        kind = "a collection id" if is_collection else "a resource id"
        raise InvalidArgumentError(f'{what} "{name}" lacks {kind} at index {index}.')
    if segment in {".", ".."}:
        raise InvalidArgumentError(
            f'{what} "{name}" contains a resource id "{segment}" at index {index}.'
        )
    if len(segment) * 4 > _ID_BYTES and len(segment.encode()) > _ID_BYTES:
        element = "kind" if is_collection else "name"
        raise InvalidArgumentError(
            f"The key path element {element} is longer than {_ID_BYTES} bytes."
        )
    if segment.startswith("__") and _RESERVED.match(segment):
        _check_reserved(segment, is_collection=is_collection)


def _check_reserved(segment: str, *, is_collection: bool) -> None:
    if is_collection:
        raise InvalidArgumentError(f'Collection id "{segment}" is invalid because it is reserved.')
    if not segment.startswith("__id"):
        raise InvalidArgumentError(f'Resource id "{segment}" is invalid because it is reserved.')
    if _numeric_id(segment) is None:
        raise InvalidArgumentError(
            "A long document ID string must be formatted like '__id{LONG}__', "
            f"where LONG is a 64-bit integer. Found: '{segment}'."
        )


def check_collection_id(collection_id: str) -> None:
    """Raise InvalidArgumentError when `collection_id` cannot name a collection."""
    if "/" in collection_id:
        raise InvalidArgumentError(
            f'Collection id "{collection_id}" is invalid because it contains "/".'
        )
    _check_segment(collection_id, collection_id, "Collection id", 0, is_collection=True)
