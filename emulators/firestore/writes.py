"""Writes: checked against the rules first, then applied to a document's current version.

`plan_write` needs no database: what it refuses is INVALID_ARGUMENT whatever is stored. `Draft`
carries one document through the writes of one commit; its preconditions see the writes before them.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulators.firestore.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from emulators.firestore.fields import FieldPath, assign, check_mask, lookup, parse_path, remove
from emulators.firestore.messages import (
    Document,
    Message,
    WriteResult,
    timestamp_microseconds,
    write_timestamp,
)
from emulators.firestore.names import DocumentPath, parse_document
from emulators.firestore.storage import Change, Stored
from emulators.firestore.transforms import Transform, apply_transforms, plan_transforms
from emulators.firestore.values import check_field_name, check_fields, check_size


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold before a write: that the document exists or not, or its update time."""

    exists: bool | None = None
    update_time: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """A checked write. `document` None deletes; `mask` None replaces the whole document."""

    path: DocumentPath
    document: Message | None
    mask: tuple[FieldPath, ...] | None
    transforms: tuple[Transform, ...]
    precondition: Precondition


def plan_write(write: Message, database: str) -> PlannedWrite:
    """Return the checked form of a Write to `database`; raises InvalidArgumentError."""
    precondition = plan_precondition(write.current_document)
    match write.WhichOneof("operation"):
        case "update":
            return _plan_update(write, database, precondition)
        case "delete":
            path = _path_in(write.delete, database)
            return PlannedWrite(path, None, None, (), precondition)
        case "transform":
            # The older form of a transform is an update of no field, followed by transforms.
            path = _path_in(write.transform.document, database)
            transforms = plan_transforms(write.transform.field_transforms)
            return PlannedWrite(path, Document(name=path.name), (), transforms, precondition)
        case _:
            raise InvalidArgumentError("Write.operation is not set.")


def _plan_update(write: Message, database: str, precondition: Precondition) -> PlannedWrite:
    path = _path_in(write.update.name, database)
    check_fields(write.update.fields)
    mask = None
    if write.HasField("update_mask"):
        mask = check_mask(parse_path(text) for text in write.update_mask.field_paths)
        for masked in mask:
            check_field_name(masked[0])
    transforms = plan_transforms(write.update_transforms)
    return PlannedWrite(path, write.update, mask, transforms, precondition)


def _path_in(name: str, database: str) -> DocumentPath:
    path = parse_document(name)
    if path.database != database:
        raise InvalidArgumentError(f'Document "{name}" is not in database "{database}".')
    return path


def plan_precondition(message: Message) -> Precondition:
    """Return what a Precondition message demands; an unset one demands nothing."""
    match message.WhichOneof("condition_type"):
        case "exists":
            return Precondition(exists=message.exists)
        case "update_time":
            return Precondition(update_time=timestamp_microseconds(message.update_time))
        case _:
            return Precondition()


class Draft:
    """One document on its way through a commit."""

    def __init__(self, path: DocumentPath, stored: Stored | None) -> None:
        self._path = path
        self._stored = stored
        self._created = stored.created if stored else None
        self._document: Message | None = None
        self._changed = False

    def apply(self, write: PlannedWrite, instant: int) -> Message:
        """Apply one write of a commit at `instant`.

        Returns its WriteResult, the update time still missing. Raises what a failed precondition
        is answered with.
        """
        self._check(write.precondition, instant)
        self._changed = True
        result = WriteResult()
        if write.document is None:
            self._created = self._document = None
            return result
        document = self._updated(write)
        if write.transforms:
            results = apply_transforms(document.fields, write.transforms, instant)
            result.transform_results.extend(results)
        self._created = self._created or instant
        self._document = document
        return result

    def _check(self, wanted: Precondition, instant: int) -> None:
        exists = self._created is not None
        if wanted.update_time is not None and wanted.update_time > instant:
            raise InvalidArgumentError("The required 'update_time' cannot be in the future.")
        if wanted.exists is False and exists:
            raise AlreadyExistsError(f"Document already exists: {self._path.name}")
        if not exists and (wanted.exists or wanted.update_time is not None):
            raise NotFoundError(f"No document to update: {self._path.name}")
        if wanted.update_time is not None:
            self._check_update_time(wanted.update_time)

    def _check_update_time(self, base: int) -> None:
        stands = self._stored.updated if self._stored and not self._changed else None
        if stands != base:
            raise FailedPreconditionError(
                f"the stored version ({stands}) does not match the required base version ({base})"
            )

    def _updated(self, write: PlannedWrite) -> Message:
        """Return the Document after a write, its times not yet set."""
        given = write.document
        assert given is not None  # noqa: S101 - deletes do not come here
        if write.mask is None:
            return given
        document = self._current()
        for path in write.mask:
            value = lookup(given.fields, path)
            if value is None:
                remove(document.fields, path)
            else:
                assign(document.fields, path, value)
        return document

    def _current(self) -> Message:
        if self._document is not None:
            return self._document
        if self._created is not None and self._stored is not None:
            return Document.FromString(self._stored.data)
        return Document(name=self._path.name)

    def change(self, instant: int) -> Change | None:
        """Return what the commit does to the document, None when it leaves it as it was.

        Raises InvalidArgumentError when the document has become too large.
        """
        if self._document is None or self._created is None:
            return Change(self._path, instant, self._stored, None) if self._stored else None
        stored = self._stored
        if stored is not None and self._serialised(self._created, stored.updated) == stored.data:
            return None  # a write that changes nothing keeps the update time, as in production
        data = self._serialised(self._created, instant)
        check_size(self._document, len(data))
        version = Stored(self._path.key, self._created, instant, data)
        return Change(self._path, instant, stored, version)

    def _serialised(self, created: int, updated: int) -> bytes:
        document = self._document
        assert document is not None  # noqa: S101 - only drafts of standing documents come here
        write_timestamp(document.create_time, created)
        write_timestamp(document.update_time, updated)
        return bytes(document.SerializeToString(deterministic=True))

    def update_time(self, change: Change | None) -> int | None:
        """Return the document's update time after the commit, None when it does not exist."""
        if self._document is None:
            return None
        kept = self._stored.updated if self._stored else None
        return change.stored.updated if change and change.stored else kept
