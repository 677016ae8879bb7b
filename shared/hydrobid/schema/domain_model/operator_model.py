"""An operator's model with its mapping, read from a client's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from hydrobid.schema.checking import checked
from hydrobid.schema.client import CLIENT_FILE
from hydrobid.schema.domain_model.documents import document_in
from hydrobid.schema.domain_model.instances import (
    Instances,
    check_relations_stated,
    read_instances,
)
from hydrobid.schema.domain_model.mapping import Mapped, mapped_by
from hydrobid.schema.domain_model.model_forms import MappingForm, ModelForm
from hydrobid.schema.domain_model.operator_types import OperatorType, check_defaults, types_of
from hydrobid.schema.domain_model.plans import RulePlan, plans_of
from hydrobid.schema.domain_model.series_sets import series_set_of
from hydrobid.schema.files import ClientFiles
from hydrobid.schema.findings import Findings, Place

MODEL_FIELD = "model"


@dataclass(frozen=True, eq=False)
class OperatorModel:
    """A model with its mapping, both without faults, and where their documents are."""

    model: ModelForm
    mapping: MappingForm
    types: Mapping[str, OperatorType]
    plans: list[RulePlan]
    files: ClientFiles
    place: Place
    mapping_place: Place

    def instances(self) -> Instances:
        """Return the instances in the model's files; raise InvalidInput with every fault."""
        found = read_instances(self.model, self.types, self.files, self.place)
        self.files.findings.raise_if_any()
        return found

    def mapped(self, instances: Instances) -> Mapped:
        """Return what instances become; raise InvalidInput with every fault."""
        mapped = mapped_by(self.plans, instances)
        self.files.findings.raise_if_any()
        return mapped


def client_content(files: Mapping[str, bytes], folder: str) -> dict[str, Any] | None:
    """Return what `client.yaml` holds; None where it has faults, which its own reader tells."""
    client_files = ClientFiles(files, folder, Findings())
    if CLIENT_FILE not in files:
        return None
    content = client_files.yaml(CLIENT_FILE)
    return None if len(client_files.findings) else content


def model_of(content: bytes, name: str) -> ModelForm:
    """Return the model in a document by itself; raise InvalidInput. name: the document's."""
    files = ClientFiles({name: content}, "", Findings())
    model, _ = _form(name, ModelForm, files, files.place(name))
    return files.findings.settled(cast("ModelForm | None", model))


def model_in(files: Mapping[str, bytes], folder: str) -> OperatorModel:
    """Return the model of a client's folder; raise InvalidInput, also where it names none."""
    content = client_content(files, folder)
    if content is None or MODEL_FIELD not in content:
        place = ClientFiles(files, folder, Findings()).place(CLIENT_FILE) / MODEL_FIELD
        place.refuse(None, "the file of the operator's own model, as model/model.yaml")
        place.findings.raise_if_any()
    return read_model(files, folder, content or {})


def read_model(
    files: Mapping[str, bytes], folder: str, content: Mapping[str, Any]
) -> OperatorModel:
    """Return the model that a `client.yaml` names, with its mapping; raise InvalidInput.

    content: of `client.yaml`.
    """
    findings = Findings()
    client_files = ClientFiles(files, folder, findings)
    place = client_files.place(CLIENT_FILE) / MODEL_FIELD
    model, at = _form(content.get(MODEL_FIELD), ModelForm, client_files, place)
    model = findings.settled(model)
    types = types_of(model)
    check_relations_stated(types, at)
    check_defaults(types, at)
    series = {
        name: series_set_of(stated, client_files, at / "series" / name)
        for name, stated in model.series.items()
    }
    mapping: MappingForm | None = MappingForm(
        mapping=model.model, version=1, model=model.version, canonical=model.canonical
    )
    mapping_at = at
    if model.mapping is not None:
        mapping, mapping_at = _form(model.mapping, MappingForm, client_files, at / "mapping")
    if mapping is not None and mapping.model != model.version:
        expected = f"{model.version}, the version of {model.model} in {at.document}"
        (mapping_at / "model").refuse(mapping.model, expected)
    plans = plans_of(mapping, types, series, mapping_at) if mapping is not None else []
    findings.raise_if_any()
    return OperatorModel(
        model, findings.settled(mapping), types, plans, client_files, at, mapping_at
    )


def _form(reference: Any, form: type[Any], files: ClientFiles, place: Place) -> tuple[Any, Place]:
    """Return a file's content as a form, None once its faults are noted, and the file's place."""
    if not isinstance(reference, str):
        place.refuse(reference, "a file in the client's folder, as model.yaml")
        return None, place
    name = files.referred(reference, place)
    if name is None:
        return None, place
    before = len(files.findings)
    content = document_in(files, name)
    at = files.place(name)
    return (checked(form, content, at) if len(files.findings) == before else None), at
