"""Documents of hydrobid and of an operator's model as JSON Schema 2020-12, for editors and exchange.

A figure's unit is in its `unit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, Field, create_model

from hydrobid.domain.identifiers import Identifier
from hydrobid.schema.cloud_client import CloudClientForm
from hydrobid.schema.conditions import ConditionsForm
from hydrobid.schema.domain_model.model_forms import MappingForm, ModelForm
from hydrobid.schema.domain_model.operator_types import OperatorType
from hydrobid.schema.forms import (
    AssetForm,
    ClientForm,
    CutForm,
    FileName,
    GateForm,
    MarketForm,
    PlantForm,
    ReservoirForm,
    RiverForm,
    ScenarioSetForm,
    WatercourseForm,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _client() -> type[BaseModel]:
    return create_model(
        "Client",
        __base__=ClientForm,
        __doc__=ClientForm.__doc__,
        model=(FileName | None, Field(None, description="The operator's own domain model.")),
        market=(str | MarketForm | None, None),
        assets=(list[AssetForm], []),
        scenario_sets=(dict[Identifier, ScenarioSetForm], {}),
    )


def _watercourse() -> type[BaseModel]:
    return create_model(
        "Watercourse",
        __base__=WatercourseForm,
        __doc__=WatercourseForm.__doc__,
        reservoirs=(dict[Identifier, ReservoirForm], ...),
        plants=(dict[Identifier, PlantForm], ...),
        gates=(dict[Identifier, GateForm], {}),
        rivers=(dict[Identifier, RiverForm], {}),
        cuts=(list[CutForm], []),
        conditions=(ConditionsForm | None, None),
    )


DOCUMENTS: Mapping[str, Callable[[], type[BaseModel]]] = {
    "client": _client,
    "watercourse": _watercourse,
    "cloud-client": lambda: CloudClientForm,
    "model": lambda: ModelForm,
    "mapping": lambda: MappingForm,
}


def document_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one of hydrobid's own documents; KeyError for any other."""
    return {"$schema": DIALECT, **DOCUMENTS[name]().model_json_schema()}


def instances_schema(operator_type: OperatorType) -> dict[str, Any]:
    """Return the JSON Schema of a document of instances of a type: fields by id."""
    fields = operator_type.form.model_json_schema()
    definitions = fields.pop("$defs", {})
    return {
        "$schema": DIALECT,
        "$defs": {**definitions, operator_type.name: fields},
        "title": f"Instances of {operator_type.name} by id",
        "type": "object",
        "propertyNames": {"pattern": f"^{Identifier.pattern.pattern}$"},
        "additionalProperties": {"$ref": f"#/$defs/{operator_type.name}"},
    }
