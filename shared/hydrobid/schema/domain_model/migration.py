"""A client's documents lifted to the newest version of the canonical form, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hydrobid.schema.client import CLIENT_FILE
from hydrobid.schema.domain_model.client import read_operator_client
from hydrobid.schema.files import ClientFiles
from hydrobid.schema.findings import Findings
from hydrobid.schema.versions import CANONICAL_VERSION, VERSION, lifted

_VERSION_LINE = re.compile(rb"^version:[ \t]*\d+", re.MULTILINE)
_WIDTH = 100


@dataclass(frozen=True)
class LiftedDocument:
    """A document that was lifted. before: its version. changed: the fields that became others.

    content: its new text. comments: whether the text is the old one but for its version, comments
    and all; otherwise it is written anew, without them.
    """

    name: str
    before: int
    changed: tuple[str, ...]
    content: bytes
    comments: bool


def migration_of(files: Mapping[str, bytes], folder: str) -> list[LiftedDocument]:
    """Return the documents of a client that become others in the newest version; nothing is written.

    Runs are made from the same inputs before and after.

    Raises:
        InvalidInput: the folder has faults, which are to be mended first.
    """
    before = read_operator_client(files, folder)
    documents = list(_lifted_documents(ClientFiles(files, folder, Findings())))
    after = read_operator_client({**files, **{d.name: d.content for d in documents}}, folder)
    if after != before:
        raise AssertionError("a lifted document does not mean what it did")
    return documents


def _lifted_documents(files: ClientFiles) -> list[LiftedDocument]:
    client = files.yaml(CLIENT_FILE) or {}
    found = []
    for name in dict.fromkeys([CLIENT_FILE, *_watercourses(client, files)]):
        content = files.yaml(name) or {}
        newest = lifted(content, files.place(name)) or {}
        if newest != content:
            found.append(_document(name, files.files[name], content, newest))
    return found


def _watercourses(client: Mapping[str, Any], files: ClientFiles) -> list[str]:
    """Return the files of watercourses that a client's assets name; others come from its model."""
    named = [asset.get("watercourse") for asset in client.get("assets") or ()]
    return [name for name in named if name in files.files]


def _document(
    name: str, text: bytes, content: Mapping[str, Any], newest: dict[str, Any]
) -> LiftedDocument:
    fields = {*content, *newest} - {VERSION}
    changed = tuple(sorted(f for f in fields if content.get(f) != newest.get(f)))
    version = f"version: {CANONICAL_VERSION}".encode()
    in_place, count = _VERSION_LINE.subn(version, text)
    kept = not changed and count == 1
    if not kept:
        in_place = yaml.safe_dump(
            newest, sort_keys=False, allow_unicode=True, width=_WIDTH
        ).encode()
    return LiftedDocument(name, content[VERSION], changed, in_place, kept)
