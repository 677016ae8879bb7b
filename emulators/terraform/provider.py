"""The provider itself: Terraform's plugin protocol over the shapes of a schema.

It accepts what the schema accepts, says `known after apply` of what Google would compute, and
makes up those values when it applies. It keeps nothing: Terraform's own state is all there is.
Not checked: enumerations, formats, limits, what only works together, and which changes replace a
resource.
"""

from __future__ import annotations

import json
from typing import Any

import msgpack
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from emulators.terraform.schema import Block, Schemas
from emulators.terraform.values import Values, applied, planned

NESTING = pb.Schema.NestedBlock.NestingMode


class Provider(rpc.ProviderServicer):  # type: ignore[misc]
    """Answers Terraform's calls."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def GetProviderSchema(self, _request: Any, _context: Any) -> Any:
        """Tell every shape."""
        return pb.GetProviderSchema.Response(
            provider=_schema(self._schemas.provider),
            resource_schemas={name: _schema(s) for name, s in self._schemas.resources.items()},
            data_source_schemas={
                name: _schema(s) for name, s in self._schemas.data_sources.items()
            },
        )

    def ValidateProviderConfig(self, _request: Any, _context: Any) -> Any:
        """Accept: Terraform itself has checked names and types against the schema."""
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, _request: Any, _context: Any) -> Any:
        """Accept, as above."""
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, _request: Any, _context: Any) -> Any:
        """Accept, as above."""
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, _request: Any, _context: Any) -> Any:
        """Need no credentials."""
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, _context: Any) -> Any:
        """Return the state as it was stored: there is one version of each shape."""
        state = json.loads(request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=_packed(state))

    def ReadResource(self, request: Any, _context: Any) -> Any:
        """Find everything as Terraform left it."""
        return pb.ReadResource.Response(new_state=request.current_state)

    def ReadDataSource(self, request: Any, _context: Any) -> Any:
        """Make up what Google would tell."""
        kind, config = request.type_name, _unpacked(request.config)
        block = self._schemas.data_sources[kind]
        return pb.ReadDataSource.Response(
            state=_packed(applied(kind, block, planned(block, config or {})))
        )

    def PlanResourceChange(self, request: Any, _context: Any) -> Any:
        """Plan what is proposed, with the computed values unknown."""
        proposed = _unpacked(request.proposed_new_state)
        if proposed is None:
            return pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        state = planned(self._schemas.resources[request.type_name], proposed)
        return pb.PlanResourceChange.Response(planned_state=_packed(state))

    def ApplyResourceChange(self, request: Any, _context: Any) -> Any:
        """Do what was planned."""
        state = _unpacked(request.planned_state)
        if state is None:
            return pb.ApplyResourceChange.Response(new_state=request.planned_state)
        kind = request.type_name
        state = applied(kind, self._schemas.resources[kind], state)
        return pb.ApplyResourceChange.Response(new_state=_packed(state))

    def StopProvider(self, _request: Any, _context: Any) -> Any:
        """Nothing goes on that would have to be stopped."""
        return pb.StopProvider.Response()


def _schema(block: Block) -> Any:
    return pb.Schema(version=0, block=_block(block))


def _block(block: Block) -> Any:
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                required=attribute.get("required", False),
                optional=attribute.get("optional", False),
                computed=attribute.get("computed", False),
            )
            for name, attribute in block.get("attributes", {}).items()
        ],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                block=_block(nested["block"]),
                nesting=NESTING.Value(nested["nesting_mode"].upper()),
                min_items=nested.get("min_items", 0),
                max_items=nested.get("max_items", 0),
            )
            for name, nested in block.get("block_types", {}).items()
        ],
    )


def _unpacked(value: Any) -> Values | None:
    unpacked: Values | None = msgpack.unpackb(value.msgpack, strict_map_key=False)
    return unpacked


def _packed(values: Values) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(values))
