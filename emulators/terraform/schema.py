"""The shapes of the resources, in the form of `terraform providers schema -json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOOGLE = "registry.terraform.io/hashicorp/google"
VERSION = "8.7.0"
SCHEMA_FILE = Path(__file__).with_name("google_schema.json")

# A block: its attributes by name, and the blocks within it.
Block = Mapping[str, Any]


@dataclass(frozen=True)
class Schemas:
    """The block of the provider's settings, and those of each resource and data source by type."""

    provider: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]


def google_schemas() -> Schemas:
    """Return the shapes of Google's resources that are kept beside this module."""
    schemas = json.loads(SCHEMA_FILE.read_text("utf-8"))["provider_schemas"][GOOGLE]
    return Schemas(
        schemas["provider"]["block"],
        {name: schema["block"] for name, schema in schemas["resource_schemas"].items()},
        {name: schema["block"] for name, schema in schemas["data_source_schemas"].items()},
    )
