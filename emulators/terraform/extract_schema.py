"""Reads the shapes of Google's resources out of the provider's generated bindings.

    pip download --no-deps cdktn-provider-google==21.1.0
    python -m emulators.terraform.extract_schema WHEEL RESOURCE... > google_schema.json

The bindings are generated from the provider's own schema, and say of each attribute its type and
whether it is required, optional or computed. What comes out has the form of
`terraform providers schema -json`. RESOURCE is a resource's type, or `data.` and a data source's;
without any, those of the schema that is kept here are read again.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators.terraform.schema import GOOGLE, SCHEMA_FILE

CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{$", re.MULTILINE)
MEMBER = re.compile(
    r"// (?P<name>\w+) - computed: (?P<computed>\w+), optional: (?P<optional>\w+), "
    r"required: (?P<required>\w+)\n(?P<code>.*?)(?=^    // \w+ - computed: |\Z)",
    re.MULTILINE | re.DOTALL,
)
NESTED = re.compile(
    r"= new (?:cdktn\.)?(?P<type>\w+?)(?P<kind>OutputReference|List|Map)\(this, "
    r"\"\w+\"(?P<set>, true)?"
)
GETTER = re.compile(r"return (?P<set>cdktn\.Fn\.tolist\()?this\.get(?P<type>\w+)Attribute\('")
HCL = re.compile(
    r"^ {8,12}(?P<name>\w+): \{\n\s+value: .*\n\s+isBlock: (?P<block>true|false),\n"
    r"\s+type: \"\w+\",\n\s+storageClassType: \"(?P<class>\w+)\"",
    re.MULTILINE,
)
TYPES: dict[str, Any] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "string"],
}
SETTINGS: dict[str, Any] = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringList": ["list", "string"],
    "stringMap": ["map", "string"],
}


@dataclass(frozen=True)
class Member:
    """An attribute or a nested block, as the bindings write it."""

    name: str
    computed: bool
    optional: bool
    required: bool
    code: str


@dataclass
class Binding:
    """The classes of one resource's bindings and which of their members are blocks."""

    members: dict[str, list[Member]] = field(default_factory=dict)
    blocks: dict[str, set[str]] = field(default_factory=dict)
    resource: str = ""


def main(arguments: list[str]) -> int:
    """Print the schema of the resources that are asked for."""
    wheel, *wanted = arguments
    wanted = wanted or _known()
    schemas: dict[str, dict[str, Any]] = {"resource_schemas": {}, "data_source_schemas": {}}
    sources = dict(_sources(Path(wheel), {_folder(name) for name in [*wanted, "provider"]}))
    for name in sorted(wanted):
        kind = "data_source_schemas" if name.startswith("data.") else "resource_schemas"
        block = _block(_binding(sources[_folder(name)]))
        schemas[kind][name.removeprefix("data.")] = {"version": 0, "block": block}
    provider = {"version": 0, "block": {"attributes": _settings(sources["provider"])}}
    document = {
        "format_version": "1.0",
        "provider_schemas": {GOOGLE: {"provider": provider, **schemas}},
    }
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
    return 0


def _known() -> list[str]:
    schemas = json.loads(SCHEMA_FILE.read_text("utf-8"))["provider_schemas"][GOOGLE]
    return [
        *schemas["resource_schemas"],
        *(f"data.{name}" for name in schemas["data_source_schemas"]),
    ]


def _folder(name: str) -> str:
    """Return the folder of a resource's bindings: `google_pubsub_topic` lies in `pubsub-topic`."""
    if name.startswith("data."):
        return name.replace("data.", "data-").replace("_", "-")
    return name.removeprefix("google_").replace("_", "-")


def _sources(wheel: Path, folders: set[str]) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner))) as package:
            for entry in package:
                parts = Path(entry.name).parts
                if parts[1:2] == ("lib",) and parts[-1] == "index.js" and parts[2] in folders:
                    content = package.extractfile(entry)
                    if content is not None:
                        yield parts[2], content.read().decode("utf-8")


def _settings(source: str) -> dict[str, Any]:
    """Return the provider's own settings, all optional; those that are blocks are left out."""
    return {
        match["name"]: {"type": SETTINGS[match["class"]], "optional": True}
        for match in HCL.finditer(source)
        if match["block"] == "false" and match["name"] != "alias"
    }


def _binding(source: str) -> Binding:
    binding = Binding()
    starts = list(CLASS.finditer(source))
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(source)
        text, name = source[start.end() : end], start.group(1)
        binding.members[name] = [_member(match) for match in MEMBER.finditer(text)]
        if start.group(2) in {"TerraformResource", "TerraformDataSource", "TerraformProvider"}:
            binding.resource = name
            binding.blocks[name] = _blocks(text.partition("synthesizeHclAttributes")[2])
    for match in re.finditer(r"^function (\w+)ToHclTerraform\(", source, re.MULTILINE):
        body = source[match.end() :].partition("\n}\n")[0]
        struct = match.group(1)[0].upper() + match.group(1)[1:]
        binding.blocks[f"{struct}OutputReference"] = _blocks(body)
    return binding


def _member(match: re.Match[str]) -> Member:
    return Member(
        name=match["name"],
        computed=match["computed"] == "true",
        optional=match["optional"] == "true",
        required=match["required"] == "true",
        code=match["code"],
    )


def _blocks(text: str) -> set[str]:
    return {match["name"] for match in HCL.finditer(text) if match["block"] == "true"}


def _block(binding: Binding, name: str = "") -> dict[str, Any]:
    """Return a block of Terraform's schema: its attributes, and the blocks in it."""
    name = name or binding.resource
    attributes: dict[str, Any] = {}
    nested: dict[str, Any] = {}
    for member in binding.members[name]:
        if member.name in binding.blocks.get(name, set()):
            nested[member.name] = _nested(binding, member)
        else:
            attributes[member.name] = _attribute(binding, member)
    block = {"attributes": attributes, "block_types": nested}
    return {key: value for key, value in block.items() if value}


def _nested(binding: Binding, member: Member) -> dict[str, Any]:
    made = NESTED.search(member.code)
    if made is None:
        msg = f"the block {member.name} is made in a way that is not known"
        raise ValueError(msg)
    block = _block(binding, f"{made['type']}OutputReference")
    if member.name == "timeouts":
        return {"nesting_mode": "single", "block": block}
    shape: dict[str, Any] = {"nesting_mode": "set" if made["set"] else "list", "block": block}
    if member.required:
        shape["min_items"] = 1
    if made["kind"] == "OutputReference":
        shape["max_items"] = 1
    return shape


def _attribute(binding: Binding, member: Member) -> dict[str, Any]:
    flags = {"required": member.required, "optional": member.optional, "computed": member.computed}
    return {"type": _type(binding, member), **{key: True for key, flag in flags.items() if flag}}


def _type(binding: Binding, member: Member) -> Any:
    made = NESTED.search(member.code)
    if made is None:
        got = GETTER.search(member.code)
        if got is None:
            msg = f"the attribute {member.name} is read in a way that is not known"
            raise ValueError(msg)
        found = TYPES[got["type"]]
        return ["set", found[1]] if got["set"] and isinstance(found, list) else found
    if made["kind"] == "Map":
        return TYPES[f"{made['type']}Map"]
    inner = {
        entry.name: _type(binding, entry)
        for entry in binding.members[f"{made['type']}OutputReference"]
    }
    return ["set" if made["set"] else "list", ["object", inner]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
