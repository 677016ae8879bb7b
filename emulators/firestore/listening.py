"""Listen: a client follows documents or a query's results, and hears of every commit to them.

The answer to a new target is ADD, its documents, CURRENT, and a NO_CHANGE that names no target and
carries the moment at which all of that is true; each later commit is its changes and such a
NO_CHANGE. A resumed target starts over with RESET, as on Google's emulator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from emulators.firestore.errors import InvalidArgumentError, ServiceError
from emulators.firestore.messages import (
    Document,
    DocumentChange,
    DocumentDelete,
    DocumentRemove,
    ListenResponse,
    Message,
    TargetChange,
    timestamp_microseconds,
    write_timestamp,
)
from emulators.firestore.names import DocumentPath, parse_document, parse_parent
from emulators.firestore.queries import Query, evaluate, is_in_scope, plan_query, scan, select
from emulators.firestore.storage import Change, Store, Stored
from emulators.firestore.timeline import Timeline


class _Selection(Protocol):
    """What a target follows."""

    def concerns(self, path: DocumentPath) -> bool:
        """Return whether a change of that document can matter."""

    def chosen(self, stored: Stored) -> Message | None:
        """Return the Document as the target shows it, None if it does not belong to it."""

    def everything(self, store: Store) -> list[Message]:
        """Return all Documents of the target as they stand."""

    @property
    def depends_on_others(self) -> bool:
        """Whether a document may come or go because another one has changed."""


class _Documents:
    """Documents by name."""

    def __init__(self, database: str, names: Iterable[str]) -> None:
        self.paths = tuple(parse_document(name) for name in names)
        for path in self.paths:
            _check_database(database, path.database, path.name)

    depends_on_others = False

    def concerns(self, path: DocumentPath) -> bool:
        return path in self.paths

    def chosen(self, stored: Stored) -> Message | None:
        return Document.FromString(stored.data)

    def everything(self, store: Store) -> list[Message]:
        found = (store.get(path) for path in self.paths)
        return [Document.FromString(stored.data) for stored in found if stored is not None]


class _Results:
    """The results of a query."""

    def __init__(self, database: str, message: Message) -> None:
        self._query: Query = plan_query(parse_parent(message.parent), message.structured_query)
        _check_database(database, self._query.parent.database, message.parent)
        self.depends_on_others = bool(self._query.limit is not None or self._query.offset)

    def concerns(self, path: DocumentPath) -> bool:
        return is_in_scope(self._query, path)

    def chosen(self, stored: Stored) -> Message | None:
        found = next(evaluate(self._query, [stored]), None)
        return None if found is None else select(self._query, found)

    def everything(self, store: Store) -> list[Message]:
        results = evaluate(self._query, scan(store, self._query, None))
        return [select(self._query, document) for document in results]


def _check_database(expected: str, database: str, name: str) -> None:
    if database != expected:
        raise InvalidArgumentError(f'"{name}" is not in database "{expected}".')


class _Target:
    """One target of a stream and what its client knows of it."""

    def __init__(self, identity: int, selection: _Selection) -> None:
        self.identity = identity
        self._selection = selection
        self._known: dict[str, int] = {}  # update times by name

    def begin(self, store: Store, instant: int) -> Iterator[Message]:
        """Yield the documents of the target; those that it names and that are missing, too."""
        for document in self._selection.everything(store):
            yield from self._shown(document)
        if isinstance(self._selection, _Documents):
            for path in self._selection.paths:
                if path.name not in self._known:
                    yield self._gone(path.name, instant, exists=False)

    def follow(
        self, store: Store, changed: Iterable[DocumentPath], instant: int
    ) -> Iterator[Message]:
        """Yield what has become of documents that were changed, as they stand now."""
        concerned = [path for path in changed if self._selection.concerns(path)]
        if concerned and self._selection.depends_on_others:
            yield from self._compare(store, instant)
            return
        for path in concerned:
            stored = store.get(path)
            document = self._selection.chosen(stored) if stored else None
            if document is not None:
                yield from self._shown(document)
            elif path.name in self._known:
                yield self._gone(path.name, instant, exists=stored is not None)

    def _compare(self, store: Store, instant: int) -> Iterator[Message]:
        documents = self._selection.everything(store)
        staying = {document.name for document in documents}
        for name in [name for name in self._known if name not in staying]:
            exists = store.get(parse_document(name)) is not None
            yield self._gone(name, instant, exists=exists)
        for document in documents:
            yield from self._shown(document)

    def _shown(self, document: Message) -> Iterator[Message]:
        updated = timestamp_microseconds(document.update_time)
        if self._known.get(document.name) != updated:
            self._known[document.name] = updated
            change = DocumentChange(document=document, target_ids=[self.identity])
            yield ListenResponse(document_change=change)

    def _gone(self, name: str, instant: int, *, exists: bool) -> Message:
        self._known.pop(name, None)
        kind = DocumentRemove if exists else DocumentDelete
        removal = kind(document=name, removed_target_ids=[self.identity])
        write_timestamp(removal.read_time, instant)
        if exists:
            return ListenResponse(document_remove=removal)
        return ListenResponse(document_delete=removal)


class Listener:
    """One Listen stream: its targets, and what is to be sent when something happens."""

    def __init__(self, store: Store, timeline: Timeline) -> None:
        self._store = store
        self._timeline = timeline
        self._targets: dict[int, _Target] = {}

    def on_request(self, request: Message) -> list[Message]:
        """Return what a ListenRequest is answered with."""
        match request.WhichOneof("target_change"):
            case "add_target":
                try:
                    return self._add(request.database, request.add_target)
                except ServiceError as error:
                    return [_refused(request.add_target.target_id, error)]
            case "remove_target":
                self._targets.pop(request.remove_target, None)
                return [_change(TargetChange.REMOVE, [request.remove_target])]
            case _:
                raise InvalidArgumentError("ListenRequest.target_change is not set.")

    def _add(self, database: str, message: Message) -> list[Message]:
        identity = message.target_id
        if identity in self._targets:
            raise InvalidArgumentError(f"Target ID {identity} is already in use.")
        target = _Target(identity, _selection(database, message))
        self._targets[identity] = target
        instant = self._timeline.present()
        resumed = message.WhichOneof("resume_type") is not None
        return [
            _change(TargetChange.ADD, [identity]),
            *([_change(TargetChange.RESET, [identity])] if resumed else []),
            *target.begin(self._store, instant),
            _change(TargetChange.CURRENT, [identity], instant),
            _change(TargetChange.NO_CHANGE, [], instant),
        ]

    def on_changes(self, changes: Iterable[Change]) -> list[Message]:
        """Return what the changes of a commit mean for the targets."""
        changed = [change.path for change in changes]
        instant = self._timeline.present()
        responses = [
            response
            for target in self._targets.values()
            for response in target.follow(self._store, changed, instant)
        ]
        if responses:
            responses.append(_change(TargetChange.NO_CHANGE, [], instant))
        return responses


def _selection(database: str, message: Message) -> _Selection:
    match message.WhichOneof("target_type"):
        case "documents":
            return _Documents(database, message.documents.documents)
        case "query":
            return _Results(database, message.query)
        case _:
            raise InvalidArgumentError("Target.target_type is not set.")


def _change(kind: int, targets: list[int], instant: int | None = None) -> Message:
    change = TargetChange(target_change_type=kind, target_ids=targets)
    if instant is not None:
        write_timestamp(change.read_time, instant)
        change.resume_token = instant.to_bytes(8, "big")
    return ListenResponse(target_change=change)


def _refused(identity: int, error: ServiceError) -> Message:
    response = _change(TargetChange.REMOVE, [identity])
    response.target_change.cause.code = error.code.value[0]
    response.target_change.cause.message = error.message
    return response
