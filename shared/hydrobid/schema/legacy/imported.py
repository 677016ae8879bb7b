"""What an import gives: a client's folder, and an account of what became of everything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from hydrobid.domain.identifiers import ClientId

REPORT_FILE = "import.yaml"
_WIDTH = 100


@dataclass
class Account:
    """What became of what. mapped: from where to where. defaulted: what the source does not say, and
    what was taken. ignored: what has no counterpart here, or was not needed.
    """

    mapped: dict[str, str] = field(default_factory=dict)
    defaulted: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """Return the account as JSON-ready data."""
        return {"mapped": self.mapped, "defaulted": self.defaulted, "ignored": self.ignored}


@dataclass(frozen=True)
class ImportedClient:
    """A client's files by name, the account among them. days: first and last that can be bid."""

    client: ClientId
    files: Mapping[str, bytes]
    account: Account
    days: tuple[str, str] | None


def client_id(name: str) -> ClientId:
    """Return a client's id made from any name.

    >>> client_id("Basic_model.yaml")
    'basic-model-yaml'
    """
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    text = text if text[:1].isalpha() else f"c-{text}"
    return ClientId(text[:19].rstrip("-").ljust(3, "x"))


def identifier(name: str) -> str:
    """Return a name that an element of ours may have, made from any other.

    >>> identifier("Nord Pool Day-Ahead")
    'Nord-Pool-Day-Ahead'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-_.")[:80] or "unnamed"


def yaml_text(content: Any) -> bytes:
    """Return content as a document that our own reader takes."""
    return yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    ).encode()
