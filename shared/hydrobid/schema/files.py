"""The files of a client's folder: references within it, and YAML read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.yaml_document import read_yaml


@dataclass(frozen=True)
class ClientFiles:
    """Files by their name relative to the client's folder. folder: its name, for messages."""

    files: Mapping[str, bytes]
    folder: str
    findings: Findings

    def place(self, name: str) -> Place:
        """Return the place of a whole file."""
        return Place(self.findings, f"{self.folder}/{name}" if self.folder else name)

    def referred(self, reference: str, place: Place) -> str | None:
        """Return the name of the file that a field refers to, or None once its fault is noted."""
        path = PurePosixPath(reference)
        if path.is_absolute() or ".." in path.parts or "\\" in reference or ":" in reference:
            place.refuse(reference, "a file in the client's folder, as watercourses/upper.yaml")
            return None
        if str(path) not in self.files:
            place.refuse(reference, f"a file that is there: {one_of(path, self.files)}")
            return None
        return str(path)

    def yaml(self, name: str) -> dict[str, Any] | None:
        """Return the mapping in a YAML file, or None once its fault is noted."""
        place = self.place(name)
        try:
            content = read_yaml(self.files[name], place.document)
        except InvalidInput as error:
            for problem in error.problems:
                self.findings.add(problem)
            return None
        if not isinstance(content, dict):
            place.refuse(content, "a mapping: fields, colons and values")
            return None
        return content
