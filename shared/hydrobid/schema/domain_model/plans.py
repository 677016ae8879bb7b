"""A mapping checked against its model: what it reads and makes is known before any instance is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hydrobid.schema.domain_model.canonical import CONDITIONS, KINDS, Kind
from hydrobid.schema.domain_model.expressions import Expression, expression
from hydrobid.schema.domain_model.leaves import Leaf
from hydrobid.schema.domain_model.model_forms import (
    RELATED,
    FieldRuleForm,
    MappingForm,
    RuleForm,
)
from hydrobid.schema.domain_model.operator_types import OperatorType
from hydrobid.schema.domain_model.series_sets import SeriesSet
from hydrobid.schema.domain_model.unit_plans import LONGEST_WAY, Figure, Scope, Units
from hydrobid.schema.findings import Place, one_of

# One of a list's first elements, as turbine[0].head.
_POSITION = re.compile(r"\[\d{1,2}\](?=\.)")


@dataclass(frozen=True, eq=False)
class FieldPlan:
    """How one canonical field comes about.

    source: where its value is found, None for a constant. factors: what numbers are multiplied by,
    by path within the value. each: what becomes of the elements of a list that `source` finds.
    """

    target: str
    stated: FieldRuleForm
    source: Expression | None
    factors: Mapping[str, float]
    place: Place
    lookup: Mapping[str, Any] | None = None
    series: SeriesSet | None = None
    each: tuple[FieldPlan, ...] = ()


@dataclass(frozen=True, eq=False)
class RulePlan:
    """How instances of a type become elements. passed: canonical fields that stay what they are."""

    type: OperatorType
    kind: Kind
    where: Expression | None
    within: Expression | None
    name: Expression
    fields: tuple[FieldPlan, ...]
    passed: frozenset[str]
    place: Place

    @property
    def reads(self) -> frozenset[str]:
        """The fields of an instance that take part in what it becomes."""
        ways = [self.where, self.within, self.name, *(plan.source for plan in self.fields)]
        return self.passed.union(*(way.roots for way in ways if way is not None))

    @property
    def sees_related(self) -> bool:
        """Whether expressions look beyond the instance."""
        return RELATED in self.reads


def plans_of(
    mapping: MappingForm,
    types: Mapping[str, OperatorType],
    series: Mapping[str, SeriesSet],
    place: Place,
) -> list[RulePlan]:
    """Return the plan of each rule, once every fault of the mapping is noted at `place`.

    A type that extends a canonical kind and has no rule for it gets one: its canonical fields pass.
    """
    planner = _Planner(mapping, types, series)
    plans = []
    for index, rule in enumerate(mapping.rules):
        at = place / "rules" / index
        if rule.from_type not in types:
            (at / "from").refuse(
                rule.from_type, f"a type of the model: {one_of(rule.from_type, types)}"
            )
        else:
            plans.append(planner.plan(rule, types[rule.from_type], at))
    ruled = {(rule.from_type, rule.to) for rule in mapping.rules}
    for name, operator_type in types.items():
        extends = operator_type.stated.extends
        if extends is not None and (name, extends) not in ruled:
            rule = RuleForm.model_validate({"from": name, "to": extends})
            plans.append(planner.plan(rule, operator_type, place / "types" / name))
    return plans


@dataclass
class _Planner:
    mapping: MappingForm
    types: Mapping[str, OperatorType]
    series: Mapping[str, SeriesSet]

    @cached_property
    def _units(self) -> Units:
        return Units(self.types, self.mapping.currency)

    def plan(self, rule: RuleForm, operator_type: OperatorType, place: Place) -> RulePlan:
        kind, scope = KINDS[rule.to], Scope(operator_type)
        stated = dict(rule.fields)
        extended = operator_type.kind is kind
        for name in operator_type.own if extended else ():
            # What restates a canonical field, in a unit of its own perhaps, is that field.
            if name in kind.form.model_fields and not _within(name, stated):
                stated[name] = FieldRuleForm(value=name)
        for target in stated:
            if any(_is_within(other, target) for other in stated):
                at = place / "fields" / target
                at.refuse(target, f"{target} as a whole or by its parts, not both")
        return RulePlan(
            operator_type,
            kind,
            self._expression(rule.where, scope, place / "where"),
            self._within(rule, kind, scope, place / "in"),
            self._expression(rule.name, scope, place / "name") or expression("id"),
            tuple(
                self._field(t, s, kind.leaves, scope, place / "fields" / t)
                for t, s in stated.items()
            ),
            frozenset(f for f in kind.form.model_fields if extended and not _within(f, stated)),
            place,
        )

    def _within(self, rule: RuleForm, kind: Kind, scope: Scope, place: Place) -> Expression | None:
        """Return what finds the element that the new one is in; a lone relation to such, if not said."""
        if kind.within is None:
            if rule.within is not None:
                place.refuse(rule.within, f"nothing: a {kind.name} is in no other element")
            return None
        if rule.within is not None:
            return self._expression(rule.within, scope, place)
        makers = {str(r.from_type) for r in self.mapping.rules if r.to == kind.within}
        makers |= {str(name) for name, t in self.types.items() if t.stated.extends == kind.within}
        ways = [
            name
            for name, relation in scope.type.stated.relations.items()
            if relation.by is None and not relation.many and relation.to in makers
        ]
        if len(ways) == 1:
            return expression(ways[0])
        place.refuse(None, f"an expression that finds the name of the {kind.within} that it is in")
        return None

    def _expression(self, text: str | None, scope: Scope, place: Place) -> Expression | None:
        """Return an expression once fields in it that there are not are noted."""
        if text is None:
            return None
        found = expression(text)
        known = scope.names()
        for root in sorted(found.roots - known):
            place.refuse(
                text, f"fields of {scope.type.name} only, and not {root}: {one_of(root, known)}"
            )
        way = found.path
        if way is not None and way[0] == RELATED and not scope.prefix:
            relations = scope.type.stated.relations
            if len(way) < LONGEST_WAY or way[1] not in relations:
                known_ways = one_of(way[1] if len(way) > 1 else "", relations)
                place.refuse(text, f"a relation of {scope.type.name} after {RELATED}: {known_ways}")
        return found

    def _field(
        self,
        target: str,
        stated: FieldRuleForm,
        targets: Mapping[str, Leaf],
        scope: Scope,
        place: Place,
    ) -> FieldPlan:
        leaf = _target(target, targets)
        if leaf is None:
            place.refuse(
                target, f"a canonical field: {one_of(target, [t for t in targets if '[' not in t])}"
            )
            leaf = Leaf("any")
        source = self._expression(stated.value or stated.each, scope, place)
        lookup = self._named(stated.lookup, self.mapping.lookups, "lookup", place / "lookup")
        series = self._named(stated.series, self.series, "set of series", place / "series")
        each: tuple[FieldPlan, ...] = ()
        factors: Mapping[str, float] = {}
        if stated.each is not None:
            inner = _inside(targets, f"{target}[].")
            path = ".".join(source.path) if source and source.path else ""
            element = Scope(scope.type, f"{scope.prefix}{path}[].")
            if not path or not leaf.many or not element.names():
                place.refuse(
                    stated.each, f"a property that is a list of records, and {target} one of lists"
                )
            else:
                each = tuple(
                    self._field(name, rule, inner, element, place / "fields" / name)
                    for name, rule in (stated.fields or {}).items()
                )
        elif series is not None:
            if not target.startswith(CONDITIONS) or leaf.unit is None:
                place.refuse(target, f"a figure under {CONDITIONS} for a series")
            factors = {"": self._units.between(series.unit, leaf.unit or "1", place / "series")}
        elif source is not None:
            factors = self._units.factors(
                Figure(target, leaf, targets), stated, source, scope, place
            )
        return FieldPlan(target, stated, source, factors, place, lookup, series, each)

    def _named(self, name: Any, known: Mapping[Any, Any], what: str, place: Place) -> Any:
        if name is None:
            return None
        if name not in known:
            place.refuse(name, f"a {what}: {one_of(name, known)}")
        return known.get(name)


def _within(name: str, stated: Mapping[str, Any]) -> bool:
    """Whether a field is stated, as a whole or in part."""
    return any(target == name or _is_within(target, name) for target in stated)


def _is_within(target: str, whole: str) -> bool:
    return target.startswith((f"{whole}.", f"{whole}["))


def _target(target: str, targets: Mapping[str, Leaf]) -> Leaf | None:
    """Return what a canonical path holds; anything within a field of any form."""
    target = _POSITION.sub("[]", target)
    if target in targets:
        return targets[target]
    outer = target.rpartition(".")[0]
    while outer:
        if outer in targets:
            return Leaf("any") if targets[outer].kind == "any" and not targets[outer].unit else None
        outer = outer.rpartition(".")[0]
    return None


def _inside(targets: Mapping[str, Leaf], prefix: str) -> Mapping[str, Leaf]:
    return {p.removeprefix(prefix): leaf for p, leaf in targets.items() if p.startswith(prefix)}
