"""A mapping applied: instances of an operator's types become canonical elements.

What no rule reads is carried along as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydrobid.domain.identifiers import Identifier
from hydrobid.schema.domain_model.canonical import CONDITIONS, KINDS
from hydrobid.schema.domain_model.elements import Element, put, steps_of
from hydrobid.schema.domain_model.expressions import Budget, Expression, ExpressionRefused
from hydrobid.schema.domain_model.instances import Instance, Instances
from hydrobid.schema.domain_model.plans import FieldPlan, RulePlan
from hydrobid.schema.domain_model.series_sets import Series
from hydrobid.schema.domain_model.units import converted
from hydrobid.schema.findings import Place, one_of

MAX_APPLICATIONS = 500_000


@dataclass
class Mapped:
    """Canonical elements by what tells them apart, and what was carried along.

    carried: the fields that no rule reads, by type and id.
    """

    elements: dict[tuple[str, str, str], Element] = field(default_factory=dict)
    carried: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Element]:
        """Return the elements of a kind, in order of where they are and of their names."""
        return [self.elements[key] for key in sorted(self.elements) if key[0] == kind]


def mapped_by(plans: Sequence[RulePlan], instances: Instances) -> Mapped:
    """Return what instances become; every fault is noted at the instance."""
    application = _Application(instances)
    count = sum(len(instances.by_type[plan.type.name]) for plan in plans)
    if count > MAX_APPLICATIONS:
        expected = f"rules and instances that come to at most {MAX_APPLICATIONS} applications"
        plans[0].place.refuse(f"{count} applications", expected)
        return application.mapped
    for plan in sorted(plans, key=lambda plan: _depth(plan.kind.name)):
        for instance in instances.by_type[plan.type.name].values():
            application.apply(plan, instance)
    for instance in instances:
        taken = application.read.get((instance.type.name, instance.id), frozenset())
        left = {name: value for name, value in instance.fields.items() if name not in taken}
        if left:
            carried = application.mapped.carried.setdefault(instance.type.name, {})
            carried[instance.id] = left
    return application.mapped


def _depth(kind: str) -> int:
    within = KINDS[kind].within
    return 0 if within is None else 1 + _depth(within)


@dataclass
class _Application:
    """What was made so far. read: which fields took part, by type and id."""

    instances: Instances
    mapped: Mapped = field(default_factory=Mapped)
    read: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    _by_name: dict[tuple[str, str], list[Element]] = field(default_factory=dict)

    def apply(self, plan: RulePlan, instance: Instance) -> None:
        """Make the element that a rule makes of an instance, if it makes one."""
        context = self.instances.context(instance, related=plan.sees_related)
        if plan.where is not None and self._found(plan.where, context, instance.place) is not True:
            return
        key = (instance.type.name, instance.id)
        self.read[key] = self.read.get(key, frozenset()) | plan.reads
        name = self._found(plan.name, context, instance.place)
        if not isinstance(name, str) or not Identifier.pattern.fullmatch(name):
            at = instance.place / _shown(plan.name)
            at.refuse(name, f"a name of {Identifier.rule}, for a {plan.kind.name}")
            return
        within = self._within(plan, context, instance.place)
        if within is None:
            return
        fields = {f: instance.fields[f] for f in plan.passed if f in instance.fields}
        conditions: dict[str, Any] = {}
        for part in plan.fields:
            value = self._value(part, context, instance.place)
            if value is None:
                continue
            if part.target.startswith(CONDITIONS):
                conditions[part.target.removeprefix(CONDITIONS)] = value
            else:
                put(fields, steps_of(part.target), value)
        sources = {part.target: _shown(part.source) for part in plan.fields if part.source}
        self._add(Element(plan.kind, within, name, fields, conditions, instance.place, sources))

    def _add(self, element: Element) -> None:
        other = self.mapped.elements.setdefault(element.key, element)
        if other is not element:
            expected = f"a {element.kind.name} of its own: {other.origin.field} became one as well"
            element.origin.refuse(element.name, expected)
            return
        self._by_name.setdefault((element.kind.name, element.name), []).append(element)

    def _within(
        self, plan: RulePlan, context: Mapping[str, Any], place: Place
    ) -> tuple[str, ...] | None:
        """Return the names of what the element is in, or None once it is noted that it is in none."""
        kind = plan.kind.within
        if kind is None:
            return ()
        if plan.within is None:
            return None  # noted with the mapping
        name = self._found(plan.within, context, place)
        outer = self._by_name.get((kind, name), []) if isinstance(name, str) else []
        if len(outer) == 1:
            return (*outer[0].within, outer[0].name)
        known = [known for of, known in self._by_name if of == kind]
        expected = f"the name of a {kind}: {one_of(name, known)}"
        if outer:
            expected = f"a name that one {kind} only has"
        (place / _shown(plan.within)).refuse(name, expected)
        return None

    def _value(self, plan: FieldPlan, context: Mapping[str, Any], place: Place) -> Any:
        if plan.source is None:
            return plan.stated.constant
        value = self._found(plan.source, context, place)
        at = place / _shown(plan.source)
        if value is None:
            return plan.stated.default
        if plan.stated.each is not None:
            return self._each(plan, value, at)
        if plan.lookup is not None:
            value = _looked_up(value, plan, at)
        if plan.series is not None and value is not None:
            return _series(plan, value, at)
        return _scaled(value, plan.factors, "") if plan.factors else value

    def _each(self, plan: FieldPlan, value: Any, place: Place) -> Any:
        if not isinstance(value, list):
            place.refuse(value, f"a list, for {plan.target}")
            return None
        made = []
        for index, entry in enumerate(value):
            fields: dict[str, Any] = {}
            for part in plan.each:
                found = self._value(part, entry if isinstance(entry, dict) else {}, place / index)
                if found is not None:
                    put(fields, steps_of(part.target), found)
            made.append(fields)
        return made

    def _found(self, source: Expression, context: Mapping[str, Any], place: Place) -> Any:
        try:
            return source.value_in(context, self.budget)
        except ExpressionRefused as error:
            at = place / _shown(source)
            at.refuse(source.text, f"an expression that can be evaluated: {error}")
            return None


def _series(plan: FieldPlan, value: Any, place: Place) -> Series | None:
    columns = plan.series.columns if plan.series is not None else {}
    if not isinstance(value, str) or value not in columns:
        place.refuse(value, f"a series of {plan.stated.series}: {one_of(value, columns)}")
        return None
    return columns[value].scaled(plan.factors.get("", 1.0))


def _looked_up(value: Any, plan: FieldPlan, place: Place) -> Any:
    """Return what a lookup has for a value; its default where there is none of that name."""
    if isinstance(value, list):
        return [_looked_up(part, plan, place) for part in value]
    table = plan.lookup or {}
    key = str(value).lower() if isinstance(value, bool) else str(value)
    if key in table:
        return table[key]
    if plan.stated.default is None:
        place.refuse(value, f"a name in the lookup {plan.stated.lookup}: {one_of(key, table)}")
    return plan.stated.default


def _scaled(value: Any, factors: Mapping[str, float], path: str) -> Any:
    """Return a value whose numbers are multiplied by the factors of their paths."""
    if path in factors:
        return converted(value, factors[path])
    if isinstance(value, dict):
        within = f"{path}." if path else ""
        return {key: _scaled(part, factors, f"{within}{key}") for key, part in value.items()}
    if isinstance(value, list):
        return [_scaled(part, factors, f"{path}[]") for part in value]
    return value


def _shown(source: Expression) -> str:
    """Return an expression as the field that it is about."""
    return ".".join(source.path) if source.path else source.text
