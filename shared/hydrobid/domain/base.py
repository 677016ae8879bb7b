"""The base of every value that is stored, sent or configured."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hydrobid.domain.errors import CorruptDocument

LONGEST_SHOWN = 80


class Value(BaseModel):
    """An immutable value with checked fields; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="strings"
    )

    def to_document(self) -> dict[str, Any]:
        """Return the value as JSON-ready data, as documents and messages hold it."""
        return self.model_dump(mode="json")

    @classmethod
    def from_document(cls, document: Any, path: str | None = None) -> Self:
        """Return the value that `document` holds. path: where it is stored, for the error's words.

        Raises:
            CorruptDocument: the document is not of this form; the details name each field.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            faults = [
                {
                    "field": ".".join(map(str, fault["loc"])),
                    # Of what is missing the input is all that is there: none of its business.
                    "given": None
                    if fault["type"] == "missing"
                    else repr(fault["input"])[:LONGEST_SHOWN],
                    "expected": fault["msg"],
                }
                for fault in error.errors(include_url=False, include_context=False)
            ]
            named = ", ".join(f"{fault['field']} ({fault['expected']})" for fault in faults)
            where = cls.__name__ if path is None else f"{path}, of form {cls.__name__}"
            stored = {} if path is None else {"path": path}
            raise CorruptDocument(f"{where}: {named}", faults=faults, **stored) from error


class Record(Value):
    """A stored entity. chain: hash of the entity's newest event."""

    version: int = 1
    chain: str = ""
