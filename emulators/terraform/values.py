"""What a provider adds to a resource's values: unknown while planning, made up when applying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack

from emulators.terraform.schema import Block

# An unknown value is an extension of its own in Terraform's MessagePack form.
UNKNOWN = msgpack.ExtType(0, b"\0")
Values = dict[str, Any]


def planned(block: Block, values: Values) -> Values:
    """Return the values with `unknown` where Google would compute one and nothing is said."""
    return _filled(block, values, lambda _, attribute, value: _unknown(attribute, value))


def applied(kind: str, block: Block, values: Values) -> Values:
    """Return the values with each unknown one made up of the resource's own name."""
    name = _name(kind, values)

    def known(attribute: str, shape: Any, value: Any) -> Any:
        return _made_up(attribute, shape["type"], name) if value == UNKNOWN else value

    return _filled(block, values, known)


def _filled(block: Block, values: Values, value_of: Callable[[str, Any, Any], Any]) -> Values:
    filled = {
        name: value_of(name, attribute, values.get(name))
        for name, attribute in block.get("attributes", {}).items()
    }
    for name, nested in block.get("block_types", {}).items():
        inner = values.get(name)
        if isinstance(inner, list):
            filled[name] = [_filled(nested["block"], entry, value_of) for entry in inner]
        elif isinstance(inner, dict):
            filled[name] = _filled(nested["block"], inner, value_of)
        else:
            filled[name] = inner
    return filled


def _unknown(attribute: Any, value: Any) -> Any:
    return UNKNOWN if value is None and attribute.get("computed") else value


def _name(kind: str, values: Values) -> str:
    """Return what a resource is called: enough to tell it from the others of its type."""
    parts = (values.get(key) for key in NAMES)
    return "/".join([kind, *(part for part in parts if isinstance(part, str))])


NAMES = (
    "project",
    "location",
    "region",
    "service",
    "database",
    "collection",
    "bucket",
    "topic",
    "subscription",
    "secret_id",
    "repository_id",
    "account_id",
    "name",
    "role",
    "member",
)


def _made_up(attribute: str, kind: Any, name: str) -> Any:
    if kind == "string":
        return name if attribute in {"id", "name"} else f"{name}/{attribute}"
    if kind == "number":
        return 0
    if kind == "bool":
        return False
    return {} if kind[0] == "map" else []
