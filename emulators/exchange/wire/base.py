"""What all documents of the API have in common: names in camelCase, values that do not change."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Document(BaseModel):
    """A JSON document that the exchange sends."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class RequestDocument(Document):
    """A JSON document that it receives: a quoted number or a boolean is a mistake, not a price."""

    model_config = ConfigDict(strict=True)
