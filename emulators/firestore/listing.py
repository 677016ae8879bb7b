"""Listings in pages: the documents of a collection, the collections of a document.

A document that does not exist but has something beneath it is "missing"; so is nothing of a
collection stored but its documents. Both are found by leaping through the store's name order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.messages import Document, Message
from emulators.firestore.names import Parent, decode, document_at, encode
from emulators.firestore.storage import Store, Stored

_PAGE = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a listing; `token` asks for the next part and is empty when there is none."""

    items: tuple[T, ...]
    token: str


def list_documents(store: Store, parent: Parent, request: Message, at: int | None) -> Page[Message]:
    """Return a page of Documents for a ListDocumentsRequest; missing ones hold a name alone."""
    if request.page_size < 0:
        raise InvalidArgumentError("Page size must be nonnegative.")
    after = _decode_token(request.page_token)
    if request.show_missing:
        if not request.collection_id:
            raise InvalidArgumentError("collection id must be set when show_missing is true")
        found = _with_missing(store, parent, request.collection_id, after, at)
    else:
        found = _existing(store, parent, request.collection_id, after, at)
    return _page(found, request.page_size)


def _existing(
    store: Store, parent: Parent, collection_id: str, after: bytes, at: int | None
) -> Iterator[tuple[bytes, Message]]:
    if collection_id:
        candidates = store.collection(parent.database, collection_id, parent.key, at)
    else:
        depth = len(parent.segments) + 2
        candidates = (
            stored
            for stored in store.descendants(parent.database, parent.key, at)
            if len(decode(stored.key)) == depth
        )
    for stored in candidates:
        if stored.key > after:
            yield stored.key, Document.FromString(stored.data)


def _with_missing(
    store: Store, parent: Parent, collection_id: str, after: bytes, at: int | None
) -> Iterator[tuple[bytes, Message]]:
    within = parent.key + encode((collection_id,))
    depth = len(parent.segments) + 2
    for stored in _leap(store, parent.database, within, depth, after, at):
        segments = decode(stored.key)
        if len(segments) == depth:
            yield stored.key, Document.FromString(stored.data)
        else:
            path = document_at(parent.database, segments[:depth])
            yield path.key, Document(name=path.name)


def list_collection_ids(
    store: Store, parent: Parent, request: Message, at: int | None
) -> Page[str]:
    """Return a page of collection ids for a ListCollectionIdsRequest, in order."""
    if request.page_size < 0:
        raise InvalidArgumentError("Page size must be nonnegative.")
    after = _decode_token(request.page_token)
    depth = len(parent.segments) + 1
    leaps = _leap(store, parent.database, parent.key, depth, after, at)
    paths = (decode(stored.key)[:depth] for stored in leaps)
    return _page(((encode(path), path[-1]) for path in paths), request.page_size)


def _leap(
    store: Store, database: str, within: bytes, depth: int, after: bytes, at: int | None
) -> Iterator[Stored]:
    """Yield, for each path of `depth` segments within a key, the first document at or beneath it."""
    found = (
        store.first_beyond(database, after, at)
        if after
        else store.first_beneath(database, within, at)
    )
    while found is not None and found.key.startswith(within):
        yield found
        found = store.first_beyond(database, encode(decode(found.key)[:depth]), at)


def _page(found: Iterator[tuple[bytes, T]], page_size: int) -> Page[T]:
    size = page_size or _PAGE
    taken = list(islice(found, size + 1))
    token = taken[size - 1][0].hex() if len(taken) > size else ""
    return Page(tuple(item for _, item in taken[:size]), token)


def _decode_token(token: str) -> bytes:
    try:
        key = bytes.fromhex(token)
        decode(key)
    except (ValueError, IndexError):
        raise InvalidArgumentError("Invalid page token.") from None
    return key
