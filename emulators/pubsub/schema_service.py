"""The SchemaService: schemas, their revisions, and trials of either."""

from __future__ import annotations

import asyncio
import subprocess
from operator import attrgetter
from typing import Any, Final

from google.pubsub_v1.types import schema as types

from emulators.pubsub import names, protos, wire
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import invalid, too_large, unimplemented
from emulators.pubsub.paging import page
from emulators.pubsub.schemas import Definition, Revision, check_message, definition_of

SERVICE: Final = "google.pubsub.v1.SchemaService"

# https://cloud.google.com/pubsub/docs/schemas#quotas_and_limits_for_schemas
_MAX_DEFINITION_BYTES: Final = 300_000


class SchemaService:
    """google.pubsub.v1.SchemaService over a broker; a change is answered once it is durable."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._schemas = broker.schemas

    def handlers(self) -> dict[str, Any]:
        """Return the gRPC handlers by method name."""
        requests = {
            self.CreateSchema: protos.CreateSchemaRequest,
            self.GetSchema: protos.GetSchemaRequest,
            self.ListSchemas: protos.ListSchemasRequest,
            self.ListSchemaRevisions: protos.ListSchemaRevisionsRequest,
            self.CommitSchema: protos.CommitSchemaRequest,
            self.RollbackSchema: protos.RollbackSchemaRequest,
            self.DeleteSchemaRevision: protos.DeleteSchemaRevisionRequest,
            self.DeleteSchema: protos.DeleteSchemaRequest,
            self.ValidateSchema: protos.ValidateSchemaRequest,
            self.ValidateMessage: protos.ValidateMessageRequest,
        }
        return {call.__name__: wire.unary(request, call) for call, request in requests.items()}

    async def CreateSchema(self, request: Any, _context: Any) -> Any:
        parent = names.check_project(request.parent)
        name = names.check_schema(f"{parent}/schemas/{request.schema_id}")
        revision = self._schemas.create(name, request.schema, await _defined(request.schema))
        return await self._answered(revision)

    async def GetSchema(self, request: Any, _context: Any) -> Any:
        revision = self._schemas.get(request.name)
        return _viewed(revision, basic=request.view == types.SchemaView.BASIC)

    async def ListSchemas(self, request: Any, _context: Any) -> Any:
        schemas = self._schemas.of_project(request.parent)
        chunk, token = page(schemas, request, attrgetter("resource.name"))
        return protos.ListSchemasResponse(schemas=_listed(chunk, request), next_page_token=token)

    async def ListSchemaRevisions(self, request: Any, _context: Any) -> Any:
        revisions = self._schemas.revisions(request.name)
        chunk, token = page(revisions, request, lambda revision: f"{revision.number:09}")
        return protos.ListSchemaRevisionsResponse(
            schemas=_listed(chunk, request), next_page_token=token
        )

    async def CommitSchema(self, request: Any, _context: Any) -> Any:
        self._schemas.revisions(request.name)
        definition = await _defined(request.schema)
        return await self._answered(self._schemas.commit(request.name, request.schema, definition))

    async def RollbackSchema(self, request: Any, _context: Any) -> Any:
        return await self._answered(self._schemas.roll_back(request.name, request.revision_id))

    async def DeleteSchemaRevision(self, request: Any, _context: Any) -> Any:
        return await self._answered(self._schemas.delete_revision(request.name))

    async def DeleteSchema(self, request: Any, _context: Any) -> Any:
        self._broker.delete_schema(request.name)
        await self._broker.durable()
        return protos.Empty()

    async def ValidateSchema(self, request: Any, _context: Any) -> Any:
        names.check_project(request.parent)
        await _defined(request.schema)
        return protos.ValidateSchemaResponse()

    async def ValidateMessage(self, request: Any, _context: Any) -> Any:
        names.check_project(request.parent)
        if request.WhichOneof("schema_spec") == "name":
            definition = self._schemas.get(request.name).definition
        else:
            definition = await _defined(request.schema)
        if not request.encoding:
            raise invalid("encoding must be JSON or BINARY.")
        try:
            check_message(definition, request.message, types.Encoding(request.encoding))
        except ValueError as error:
            raise invalid(f"Message failed schema validation: {_told(error)}.") from None
        return protos.ValidateMessageResponse()

    async def _answered(self, revision: Revision) -> Any:
        await self._broker.durable()
        return revision.resource


async def _defined(schema: Any) -> Definition:
    """Return what a requested Schema says, or refuse it."""
    if schema.HasField("compiled_proto_schema"):
        raise unimplemented("schema.compiled_proto_schema")
    if schema.type_ not in {types.Schema.Type.AVRO, types.Schema.Type.PROTOCOL_BUFFER}:
        raise invalid("schema.type must be AVRO or PROTOCOL_BUFFER.")
    size = len(schema.definition.encode())
    if size > _MAX_DEFINITION_BYTES:
        raise too_large("schema.definition", size, _MAX_DEFINITION_BYTES)
    try:
        return await asyncio.to_thread(definition_of, schema.type_, schema.definition)
    except (ValueError, subprocess.TimeoutExpired) as error:
        raise invalid(f"The schema definition is not valid: {_told(error)}.") from None


def _told(error: Exception) -> str:
    return str(error).rstrip(".")


def _viewed(revision: Revision, *, basic: bool) -> Any:
    if not basic:
        return revision.resource
    resource = protos.Schema()
    resource.CopyFrom(revision.resource)
    resource.ClearField("definition")
    return resource


def _listed(revisions: Any, request: Any) -> list[Any]:
    return [_viewed(one, basic=request.view != types.SchemaView.FULL) for one in revisions]
