"""Fixtures of a mapping: given instances, and what they have to become."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.schema.checking import checked
from hydrobid.schema.domain_model.canonical import KINDS
from hydrobid.schema.domain_model.documents import document_in
from hydrobid.schema.domain_model.elements import Element
from hydrobid.schema.domain_model.instances import checked_instances
from hydrobid.schema.domain_model.mapping import Mapped, mapped_by
from hydrobid.schema.domain_model.operator_model import OperatorModel
from hydrobid.schema.domain_model.series_sets import Series
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.forms import Form

CLOSE = 1e-9
ABSENT = "nothing"


class FixtureForm(Form):
    """What a mapping is held against.

    given: instances by type and id. becomes: of each kind that is named, all elements by name, of
    each the fields that matter; what holds for a while is beneath `conditions` by path. carried: all
    that is carried along, by type and id. refused: the paths of what is refused, in place of both.
    """

    fixture: Annotated[str, Field(min_length=1, max_length=300)]
    given: dict[str, dict[str, Any]]
    becomes: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    carried: dict[str, dict[str, Any]] | None = None
    refused: list[str] | None = None


class FixturesForm(Form):
    """A document of fixtures."""

    fixtures: Annotated[list[FixtureForm], Field(min_length=1, max_length=10_000)]


@dataclass(frozen=True)
class FixtureResult:
    """How a fixture went. differences: where something else came out than it says."""

    fixture: str
    document: str
    differences: tuple[Problem, ...]


def tried_fixtures(operator: OperatorModel) -> list[FixtureResult]:
    """Return how each fixture that the mapping names went; raise InvalidInput where one is none."""
    results = []
    findings = operator.files.findings
    for index, reference in enumerate(operator.mapping.fixtures):
        at = operator.mapping_place / "fixtures" / index
        name = operator.files.referred(reference, at)
        if name is None:
            continue
        place = operator.files.place(name)
        form = checked(FixturesForm, document_in(operator.files, name), place)
        for position, fixture in enumerate(form.fixtures if form else ()):
            results.append(_result(operator, fixture, place / "fixtures" / position))
    findings.raise_if_any()
    return results


def _result(operator: OperatorModel, fixture: FixtureForm, place: Place) -> FixtureResult:
    given = Place(Findings(), place.document, f"{place.field}.given")
    at = Place(Findings(), place.document, place.field)
    try:
        mapped = _mapped(operator, fixture, given)
    except InvalidInput as error:
        if fixture.refused is None:
            return FixtureResult(fixture.fixture, place.document, error.problems)
        _compare_refusals(fixture.refused, error.problems, given.field, at / "refused")
    else:
        if fixture.refused is not None:
            _compare_refusals(fixture.refused, (), given.field, at / "refused")
        _compare_elements(fixture.becomes, mapped, at / "becomes")
        if fixture.carried is not None:
            _compare(fixture.carried, mapped.carried, at / "carried")
    return FixtureResult(fixture.fixture, place.document, at.findings.problems)


def _mapped(operator: OperatorModel, fixture: FixtureForm, place: Place) -> Mapped:
    found: dict[str, dict[str, Any]] = {name: {} for name in operator.types}
    for name, stated in fixture.given.items():
        if name not in found:
            (place / name).refuse(name, f"a type of the model: {one_of(name, found)}")
            continue
        for identifier, fields in stated.items():
            found[name][identifier] = (fields or {}, place / name / identifier)
    instances = checked_instances(operator.types, found)
    place.findings.raise_if_any()
    mapped = mapped_by(operator.plans, instances)
    place.findings.raise_if_any()
    return mapped


def _compare_refusals(
    expected: Sequence[str], problems: Sequence[Problem], before: str, place: Place
) -> None:
    found = sorted({problem.field.removeprefix(f"{before}.") for problem in problems})
    if found != sorted(set(expected)):
        place.refuse(", ".join(found) or ABSENT, ", ".join(sorted(set(expected))) or ABSENT)


def _compare_elements(
    expected: Mapping[str, Mapping[str, Mapping[str, Any]]], mapped: Mapped, place: Place
) -> None:
    for kind, elements in expected.items():
        at = place / kind
        if kind not in KINDS:
            at.refuse(kind, f"a canonical kind: {one_of(kind, KINDS)}")
            continue
        made = {element.name: _shown(element) for element in mapped.of(kind)}
        for name in sorted(made.keys() | elements.keys()):
            if name not in elements:
                (at / name).refuse(name, f"no {kind} of that name")
            elif name not in made:
                (at / name).refuse(ABSENT, f"a {kind} of that name: {one_of(name, made)}")
            else:
                _compare(elements[name], made[name], at / name, part=True)


def _shown(element: Element) -> dict[str, Any]:
    conditions = {
        path: value.steps(None) if isinstance(value, Series) else value
        for path, value in element.conditions.items()
    }
    within = {"in": element.within[-1]} if element.within else {}
    return {**element.fields, **within, **({"conditions": conditions} if conditions else {})}


def _compare(expected: Any, found: Any, place: Place, *, part: bool = False) -> None:
    """Note where something else was found. part: other fields may stand beside those expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = expected.keys() if part else expected.keys() | found.keys()
        for name in sorted(names):
            _compare(expected.get(name, ABSENT), found.get(name, ABSENT), place / name, part=part)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            _compare(one, other, place / index)
    elif not _equal(expected, found):
        place.refuse(found, str(expected))


def _equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return math.isclose(expected, found, rel_tol=CLOSE)
    return bool(expected == found)
