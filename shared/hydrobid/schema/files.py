"""The files of a client's folder: references within it, and YAML read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.yaml_document import read_yaml


@dataclass(frozen=True)
class ClientFiles:
    """Files by their name relative to the client's folder. folder: its name, for messages.

    documents: what is there by name without being a file: mappings as YAML would hold them.
    """

    files: Mapping[str, bytes]
    folder: str
    findings: Findings
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """Return the place of a whole file."""
        return Place(self.findings, f"{self.folder}/{name}" if self.folder else name)

    def referred(self, reference: str, place: Place) -> str | None:
        """Return the name of the file that a field refers to, or None once its fault is noted."""
        if reference in self.documents:
            return reference
        path = PurePosixPath(reference)
        if path.is_absolute() or ".." in path.parts or "\\" in reference or ":" in reference:
            place.refuse(reference, "a file in the client's folder, as watercourses/upper.yaml")
            return None
        if str(path) not in self.files:
            known = [*self.documents, *self.files]
            place.refuse(reference, f"a file that is there: {one_of(path, known)}")
            return None
        return str(path)

    def yaml(self, name: str) -> dict[str, Any] | None:
        """Return the mapping in a YAML file, or None once its fault is noted."""
        if name in self.documents:
            return self.documents[name]
        before = len(self.findings)
        content = self.parsed(name)
        if len(self.findings) == before and not isinstance(content, dict):
            self.place(name).refuse(content, "a mapping: fields, colons and values")
        return content if isinstance(content, dict) else None

    def parsed(self, name: str) -> Any:
        """Return what a YAML file holds, or None once its fault is noted."""
        try:
            return read_yaml(self.files[name], self.place(name).document)
        except InvalidInput as error:
            for problem in error.problems:
                self.findings.add(problem)
            return None
