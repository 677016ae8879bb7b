"""The documents port on Firestore, one database a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from hydrobid.domain.errors import Contended, DocumentExists, ServiceUnavailable
from hydrobid.pipeline.ports import Create, Document, Transaction, Write

T = TypeVar("T")

EXPIRES_AT = "expires_at"
"""The field beside a document's content that tells Firestore when to delete it; no reader sees it."""

READ_CHUNK = 300
"""Documents in one batch read: well within a response's limits for the documents stored here."""


class FirestoreDocuments:
    """One client's documents in its own database."""

    def __init__(self, project: str, database: str) -> None:
        self._client = firestore.Client(project=project, database=database)

    def get(self, path: str) -> Document | None:
        """Return a document, or None."""
        with _translated():
            return _content(self._client.document(path).get())

    def get_many(self, paths: Sequence[str]) -> list[Document | None]:
        """Return the documents at `paths`, in that order, None for each that does not exist."""
        found: dict[str, Document | None] = {}
        with _translated():
            for at in range(0, len(paths), READ_CHUNK):
                references = [self._client.document(path) for path in paths[at : at + READ_CHUNK]]
                for snapshot in self._client.get_all(references):
                    found[snapshot.reference.path] = _content(snapshot)
        return [found[path] for path in paths]

    def find(self, collection: str, **equal: str) -> dict[str, Document]:
        """Return the documents of a collection by id, sorted, whose fields equal what is given."""
        query: firestore.Query | firestore.CollectionReference = self._client.collection(collection)
        for name, value in equal.items():
            query = query.where(filter=FieldFilter(name, "==", value))
        with _translated():
            found = {snapshot.id: _content(snapshot) or {} for snapshot in query.stream()}
        return dict(sorted(found.items()))

    def commit(self, *writes: Write) -> None:
        """Make all writes or none; raise DocumentExists where one to be created exists."""
        batch = self._client.batch()
        self._add(batch, writes)
        with _translated():
            batch.commit()

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Return what `work` returns, run as if nobody else wrote meanwhile."""

        @firestore.transactional
        def attempt(transaction: firestore.Transaction) -> T:
            view = _FirestoreTransaction(self._client, transaction)
            result = work(view)
            self._add(transaction, view.writes)
            return result

        with _translated():
            result: T = attempt(self._client.transaction())
            return result

    def _add(self, batch: firestore.WriteBatch, writes: Sequence[Write]) -> None:
        for write in writes:
            reference = self._client.document(write.path)
            if isinstance(write, Create):
                batch.create(reference, _stored(write))
            else:
                batch.set(reference, _stored(write))


class _FirestoreTransaction:
    def __init__(self, client: firestore.Client, transaction: firestore.Transaction) -> None:
        self._client, self._transaction = client, transaction
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        return _content(self._client.document(path).get(transaction=self._transaction))

    def write(self, *writes: Write) -> None:
        self.writes.extend(writes)


def _stored(write: Write) -> Document:
    expires = {} if write.expires is None else {EXPIRES_AT: write.expires}
    return {**write.document, **expires}


def _content(snapshot: firestore.DocumentSnapshot[Any]) -> Document | None:
    found: Document | None = snapshot.to_dict()
    if found is not None:
        found.pop(EXPIRES_AT, None)
    return found


@contextmanager
def _translated() -> Iterator[None]:
    """Turn Google's errors into ours; what is a fault of the call itself passes through."""
    try:
        yield
    except exceptions.AlreadyExists as error:
        raise DocumentExists(error.message) from error
    except exceptions.Aborted as error:
        raise Contended(f"documents kept changing: {error.message}") from error
    except (
        exceptions.ServiceUnavailable,
        exceptions.DeadlineExceeded,
        exceptions.ResourceExhausted,
        exceptions.InternalServerError,
        exceptions.RetryError,
    ) as error:
        raise ServiceUnavailable(f"Firestore: {error}") from error
    except ValueError as error:
        # The client gives up on a contended transaction with a ValueError of its own.
        if "Failed to commit transaction" in str(error):
            raise Contended(str(error)) from error
        raise
