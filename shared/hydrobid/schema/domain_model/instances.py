"""The instances of an operator's model: read from its files, checked by themselves and together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePath
from typing import Any

from hydrobid.domain.identifiers import Identifier
from hydrobid.schema.checking import checked
from hydrobid.schema.domain_model.documents import document_in
from hydrobid.schema.domain_model.expressions import ExpressionRefused, expression
from hydrobid.schema.domain_model.instance_tables import rows_of
from hydrobid.schema.domain_model.model_forms import RELATED, ModelForm, RelationForm
from hydrobid.schema.domain_model.operator_types import OperatorType
from hydrobid.schema.domain_model.workbooks import SUFFIX
from hydrobid.schema.files import ClientFiles
from hydrobid.schema.findings import Place, one_of

MAX_INSTANCES = 50_000
_TABLES = (".csv", ".parquet", SUFFIX)


@dataclass(frozen=True, eq=False)
class Instance:
    """One instance as its document has it, own properties' defaults filled in."""

    type: OperatorType
    id: str
    fields: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, eq=False)
class Instances:
    """Instances by type and id."""

    types: Mapping[str, OperatorType]
    by_type: Mapping[str, Mapping[str, Instance]]

    def __iter__(self) -> Iterator[Instance]:
        for instances in self.by_type.values():
            yield from instances.values()

    def context(self, instance: Instance, *, related: bool) -> dict[str, Any]:
        """Return what expressions see of an instance: its fields, its id, and what it relates to.

        What is related shows its own fields and ids, and no further relations.
        """
        own = _seen(instance)
        return own | {RELATED: dict(self._related(instance))} if related else own

    def _related(self, instance: Instance) -> Iterator[tuple[str, Any]]:
        for name, relation in instance.type.stated.relations.items():
            if relation.by is not None:
                back = self._leading_to.get((relation.to, relation.by), {})
                yield name, [_seen(other) for other in back.get(instance.id, ())]
                continue
            known = self.by_type.get(relation.to, {})
            found = [_seen(known[way]) for way in _ways(instance.fields, name) if way in known]
            yield name, found if relation.many else next(iter(found), None)

    @cached_property
    def _leading_to(self) -> Mapping[tuple[str, str], Mapping[str, Sequence[Instance]]]:
        """By type and relation: the instances that lead to an id, in order of their own."""
        return {
            (name, relation): self._backwards(name, relation)
            for name, operator_type in self.types.items()
            for relation, stated in operator_type.stated.relations.items()
            if stated.by is None
        }

    def _backwards(self, name: str, relation: str) -> Mapping[str, Sequence[Instance]]:
        found: dict[str, list[Instance]] = defaultdict(list)
        for other in sorted(self.by_type.get(name, {}).values(), key=lambda one: one.id):
            for way in _ways(other.fields, relation):
                found[way].append(other)
        return found


def read_instances(
    model: ModelForm, types: Mapping[str, OperatorType], files: ClientFiles, place: Place
) -> Instances:
    """Return the instances of a model's files; every fault is noted.

    place: of the model, whose `instances` say which files.
    """
    found: dict[str, dict[str, Any]] = {name: {} for name in types}
    for name, stated in model.instances.items():
        at = place / "instances" / name
        if name not in types:
            at.refuse(name, f"a type of the model: {one_of(name, types)}")
            continue
        for index, reference in enumerate(stated.files):
            file = files.referred(reference, at / "files" / index)
            if file is not None:
                _read(types[name], file, stated.sheet, files, found[name])
    return checked_instances(types, found)


def checked_instances(
    types: Mapping[str, OperatorType], found: Mapping[str, Mapping[str, Any]]
) -> Instances:
    """Return instances from (fields, place) by type and id, once every fault is noted."""
    by_type: dict[str, dict[str, Instance]] = {}
    for name, stated in found.items():
        by_type[name] = {}
        for identifier, (fields, place) in stated.items():
            instance = _instance(types[name], identifier, fields, place)
            if instance is not None:
                by_type[name][identifier] = instance
            if isinstance(fields, dict):  # of a faulty instance, too
                _check_relations(types[name], fields, found, place)
    instances = Instances(types, by_type)
    for instance in instances:
        _check_constraints(instance, instances)
    for operator_type in types.values():
        for relation, acyclic in operator_type.stated.relations.items():
            if acyclic.acyclic:
                _check_acyclic(instances.by_type.get(operator_type.name, {}), relation)
    return instances


def _read(
    operator_type: OperatorType,
    file: str,
    sheet: str | None,
    files: ClientFiles,
    found: dict[str, Any],
) -> None:
    """Put a file's instances among those that were found: (fields, place) by id."""
    place = files.place(file)
    if PurePath(file).suffix.lower() in _TABLES:
        rows = rows_of(files.files[file], file, sheet, operator_type.leaves, place)
        listed: Iterator[tuple[Any, Any]] = ((row.pop("id", None), row) for row in rows)
    else:
        before = len(place.findings)
        content = document_in(files, file)
        if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
            listed = (
                (entry.get("id"), {k: v for k, v in entry.items() if k != "id"})
                for entry in content
            )
        elif isinstance(content, dict):
            listed = iter(content.items())
        else:
            if len(place.findings) == before:
                place.refuse(content, "fields by id, or a list of objects with their id")
            return
    for position, (identifier, fields) in enumerate(listed):
        if not isinstance(identifier, str) or not Identifier.pattern.fullmatch(identifier):
            (place / position / "id").refuse(identifier, f"an id of {Identifier.rule}")
        elif identifier in found:
            other = found[identifier][1].document
            (place / identifier).refuse(identifier, f"each id once: it stands in {other} already")
        elif len(found) >= MAX_INSTANCES:
            place.refuse(f"more than {MAX_INSTANCES}", f"at most {MAX_INSTANCES} of a type")
            return
        else:
            found[identifier] = ({} if fields is None else fields, place / identifier)


def _instance(
    operator_type: OperatorType, identifier: str, fields: Any, place: Place
) -> Instance | None:
    if checked(operator_type.form, fields, place) is None:
        return None
    missing = {k: v for k, v in operator_type.defaults.items() if fields.get(k) is None}
    return Instance(operator_type, identifier, {**fields, **missing}, place)


def _check_relations(
    operator_type: OperatorType,
    fields: Mapping[str, Any],
    found: Mapping[str, Mapping[str, Any]],
    place: Place,
) -> None:
    """Note ids in relations that no instance has."""
    for name, relation in operator_type.stated.relations.items():
        if relation.by is not None:
            continue
        known = found.get(relation.to, {})
        for way in _ways(fields, name):
            if isinstance(way, str) and way not in known:
                (place / name).refuse(way, f"the id of a {relation.to}: {one_of(way, known)}")


def _check_constraints(instance: Instance, instances: Instances) -> None:
    for constraint in instance.type.stated.constraints:
        rule = expression(constraint.rule)
        context = instances.context(instance, related=RELATED in rule.roots)
        try:
            kept = rule.value_in(context)
        except ExpressionRefused as error:
            instance.place.refuse(str(error), f"{constraint.says} ({constraint.rule})")
            continue
        # What cannot be compared is no fault where one of its fields is not stated.
        open_ended = kept is None and any(context.get(root) is None for root in rule.roots)
        if kept is not True and not open_ended:
            about = {root: context.get(root) for root in sorted(rule.roots)}
            instance.place.refuse(str(about), f"{constraint.says} ({constraint.rule})")


def _check_acyclic(instances: Mapping[str, Instance], relation: str) -> None:
    graph = {name: set(_ways(instance.fields, relation)) for name, instance in instances.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = [name for name in reversed(error.args[1]) if name in instances]
        way = " to ".join(circle[:10])
        (instances[circle[0]].place / relation).refuse(way, "a way that does not lead back")


def _ways(fields: Mapping[str, Any], relation: str) -> Sequence[Any]:
    stated = fields.get(relation)
    if stated is None:
        return ()
    return stated if isinstance(stated, list) else (stated,)


def _seen(instance: Instance) -> dict[str, Any]:
    return {**instance.fields, "id": instance.id}


def check_relations_stated(types: Mapping[str, OperatorType], place: Place) -> None:
    """Note relations to types that there are not, and other sides of relations that there are not."""
    for name, operator_type in types.items():
        for relation, stated in operator_type.stated.relations.items():
            _check_stated(relation, stated, operator_type, types, place / "types" / name)


def _check_stated(
    name: str,
    stated: RelationForm,
    operator_type: OperatorType,
    types: Mapping[str, OperatorType],
    place: Place,
) -> None:
    at = place / "relations" / name
    if name in operator_type.stated.properties:
        at.refuse(name, "a name of its own: there is a property of that name")
    if stated.to not in types:
        (at / "to").refuse(stated.to, f"a type of the model: {one_of(stated.to, types)}")
    elif stated.by is not None:
        others = types[stated.to].stated.relations
        leading = [n for n, o in others.items() if o.by is None and o.to == operator_type.name]
        if stated.by not in leading:
            expected = f"a relation of {stated.to} to {operator_type.name}"
            (at / "by").refuse(stated.by, f"{expected}: {one_of(stated.by, leading)}")
    elif stated.acyclic and stated.to != operator_type.name:
        (at / "acyclic").refuse(stated.to, "a relation of a type to itself")
