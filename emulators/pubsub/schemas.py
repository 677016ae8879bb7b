"""Schemas: the revisions of each, and the messages that topics let in by them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import grpc
from google.pubsub_v1.types import schema as types

from emulators.clock import MarketClock
from emulators.pubsub import names
from emulators.pubsub.errors import Refusal, already_exists, invalid, not_found
from emulators.pubsub.protos import Schema
from emulators.pubsub.store import Store

_MAX_REVISIONS: Final = 20


class Definition(Protocol):
    """What a revision says; each check raises a ValueError that tells why not."""

    @property
    def compiled(self) -> bytes: ...

    def check_json(self, data: bytes) -> None: ...

    def check_binary(self, data: bytes) -> None: ...

    def check_follows(self, earlier: Any) -> None: ...


def definition_of(kind: int, text: str, compiled: bytes = b"") -> Definition:
    """Return what a text of a type says; `compiled` is that of the same text, when it is known."""
    if kind == types.Schema.Type.AVRO:
        from emulators.pubsub.schema_avro import AvroDefinition  # noqa: PLC0415 - for few servers

        return AvroDefinition(text)
    from emulators.pubsub.schema_proto import ProtoDefinition  # noqa: PLC0415 - as above

    return ProtoDefinition(compiled) if compiled else ProtoDefinition.of_text(text)


@dataclass(eq=False)
class Revision:
    """A Schema resource as of one revision; one that was deleted keeps its place.

    Topics let in a range of revisions: where its end was deleted the next one inside it counts.
    """

    resource: Any
    number: int
    compiled: bytes
    deleted: bool = False

    @cached_property
    def definition(self) -> Definition:
        return definition_of(self.resource.type_, self.resource.definition, self.compiled)


class Schemas:
    """All schemas by name, restored from the store."""

    def __init__(self, store: Store, clock: MarketClock) -> None:
        self._store = store
        self._clock = clock
        self._schemas: dict[str, list[Revision]] = {}
        for resource, number, compiled, deleted in store.schemas():
            revision = Revision(resource, number, compiled, deleted)
            self._schemas.setdefault(resource.name, []).append(revision)

    def get(self, name: str) -> Revision:
        """Return the newest revision, or that of `name@revision`; refuses what is not there."""
        schema, revision_id = names.split_revision(name)
        revisions = self.revisions(schema)
        return self._named(revisions, name, revision_id) if revision_id else revisions[-1]

    def revisions(self, name: str) -> list[Revision]:
        """Return a schema's revisions from the oldest on, or refuse."""
        revisions = self._schemas.get(names.check_schema(name))
        if revisions is None:
            raise not_found(name)
        return [one for one in revisions if not one.deleted]

    def of_project(self, project: str) -> list[Revision]:
        """Return the newest revision of each schema of `projects/P` by name."""
        prefix = f"{names.check_project(project)}/"
        return [self.get(name) for name in sorted(self._schemas) if name.startswith(prefix)]

    def create(self, name: str, requested: Any, definition: Definition) -> Revision:
        if name in self._schemas:
            raise already_exists(name)
        self._schemas[name] = []
        return self._append(name, requested, definition)

    def commit(self, name: str, requested: Any, definition: Definition) -> Revision:
        """Return the new revision; refuses one that the last one's messages would not survive."""
        last = self.revisions(name)[-1]
        if requested.type_ != last.resource.type_:
            raise invalid(f"The schema {name} can't change its type.")
        try:
            definition.check_follows(last.definition)
        except ValueError as error:
            raise invalid(
                f"The revision is not compatible with {last.resource.revision_id}: {error}."
            ) from None
        return self._append(name, requested, definition)

    def roll_back(self, name: str, revision_id: str) -> Revision:
        """Return a new revision that says what an older one does."""
        old = self._named(self.revisions(name), f"{name}@{revision_id}", revision_id)
        return self._append(name, old.resource, old.definition)

    def delete_revision(self, name: str) -> Revision:
        """Delete `name@revision` and return what it was."""
        schema, revision_id = names.split_revision(name)
        if not revision_id:
            raise invalid(f"{name} names no revision: it ends in @ and the revision's id.")
        revisions = self.revisions(schema)
        revision = self._named(revisions, name, revision_id)
        if len(revisions) == 1:
            raise invalid("The last revision of a schema can't be deleted; delete the schema.")
        revision.deleted = True
        self._keep(revision)
        return revision

    def delete(self, name: str) -> None:
        self.revisions(name)
        del self._schemas[name]
        self._store.delete_schema(name)

    # Topics

    def check_settings(self, settings: Any) -> None:
        """Refuse a topic's SchemaSettings that name what is not there."""
        revisions = self.revisions(settings.schema)
        if not settings.encoding:
            raise invalid("schema_settings.encoding must be JSON or BINARY.")
        for revision_id in (settings.first_revision_id, settings.last_revision_id):
            if revision_id:
                self._named(revisions, f"{settings.schema}@{revision_id}", revision_id)

    def stamp(self, settings: Any, messages: Iterable[Any]) -> None:
        """Check messages for a topic and tell in their attributes what they were checked by."""
        if settings.schema == names.DELETED_SCHEMA:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "The schema of the topic was deleted.")
        allowed = self._allowed(settings)
        encoding = types.Encoding(settings.encoding)
        for message in messages:
            revision = _first_match(allowed, message.data, encoding)
            message.attributes["googclient_schemaencoding"] = encoding.name
            message.attributes["googclient_schemaname"] = settings.schema
            message.attributes["googclient_schemarevisionid"] = revision.resource.revision_id

    def _allowed(self, settings: Any) -> list[Revision]:
        """Return the revisions of the topic's range from the newest on."""
        revisions = self._schemas[settings.schema]
        places = {one.resource.revision_id: place for place, one in enumerate(revisions)}
        first = places.get(settings.first_revision_id, 0)
        last = places.get(settings.last_revision_id, len(revisions) - 1)
        return [one for one in reversed(revisions[first : last + 1]) if not one.deleted]

    # Revisions

    def _named(self, revisions: list[Revision], name: str, revision_id: str) -> Revision:
        for revision in revisions:
            if revision.resource.revision_id == revision_id:
                return revision
        raise not_found(name)

    def _append(self, name: str, requested: Any, definition: Definition) -> Revision:
        revisions = self._schemas[name]
        if sum(not one.deleted for one in revisions) >= _MAX_REVISIONS:
            raise Refusal(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"A schema has at most {_MAX_REVISIONS} revisions; delete one before.",
            )
        resource = Schema(name=name, type_=requested.type_, definition=requested.definition)
        taken = {one.resource.revision_id for one in revisions}
        while not resource.revision_id or resource.revision_id in taken:
            resource.revision_id = secrets.token_hex(4)
        resource.revision_create_time.FromDatetime(self._clock.now())
        revision = Revision(resource, len(revisions), definition.compiled)
        revision.definition = definition
        revisions.append(revision)
        self._keep(revision)
        return revision

    def _keep(self, revision: Revision) -> None:
        self._store.put_schema(
            revision.resource, revision.number, revision.compiled, deleted=revision.deleted
        )


def _first_match(allowed: list[Revision], data: bytes, encoding: types.Encoding) -> Revision:
    for revision in allowed:
        try:
            check_message(revision.definition, data, encoding)
        except ValueError:
            continue
        return revision
    raise invalid("Invalid data in message: Message failed schema validation.")


def check_message(definition: Definition, data: bytes, encoding: types.Encoding) -> None:
    """Raise a ValueError when a message's data is not what the definition says."""
    if encoding == types.Encoding.JSON:
        definition.check_json(data)
    else:
        definition.check_binary(data)
