"""Units of what a mapping reads against those of what it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hydrobid.schema.domain_model.expressions import Expression
from hydrobid.schema.domain_model.leaves import Leaf
from hydrobid.schema.domain_model.model_forms import RELATED, FieldRuleForm
from hydrobid.schema.domain_model.operator_types import OperatorType
from hydrobid.schema.domain_model.units import NoConversion, factor
from hydrobid.schema.findings import Place

LONGEST_WAY = 2
"""Steps that lead to what is related: `related` and the relation's name."""


@dataclass
class Scope:
    """What expressions see. prefix: where an element of a list is among the type's fields."""

    type: OperatorType
    prefix: str = ""

    def names(self) -> set[str]:
        """Return the fields that an expression may begin with."""
        inside = [
            path.removeprefix(self.prefix)
            for path in self.type.leaves
            if path.startswith(self.prefix)
        ]
        names = {path for path in inside if "." not in path and "[" not in path}
        return names if self.prefix else names | {"id", RELATED}


@dataclass(frozen=True)
class Figure:
    """A canonical field. targets: all fields of what it is in, by path."""

    target: str
    leaf: Leaf
    targets: Mapping[str, Leaf]

    @property
    def inner(self) -> dict[str, Leaf]:
        """The figures with a unit within it."""
        within = (f"{self.target}.", f"{self.target}[].")
        return {p: part for p, part in self.targets.items() if p.startswith(within) and part.unit}


@dataclass(frozen=True)
class Units:
    """Finds what figures are multiplied by. currency: what `currency` in a canonical unit is."""

    types: Mapping[str, OperatorType]
    currency: str

    def factors(
        self,
        figure: Figure,
        stated: FieldRuleForm,
        source: Expression,
        scope: Scope,
        place: Place,
    ) -> dict[str, float]:
        """Return what numbers of a field's value are multiplied by, by path within it."""
        unit = figure.leaf.unit
        if unit is None:
            if stated.unit is not None:
                expected = f"nothing: {figure.target} is no figure with a unit"
                (place / "unit").refuse(stated.unit, expected)
            return dict(self._inner(figure, source, scope, place))
        there = self._unit(stated, source, scope)
        if there is None:
            (place / "unit").refuse(None, f"the unit of {source.text}, which becomes {unit}")
            return {}
        return {"": self.between(there, unit, place / "unit")}

    def _inner(
        self, figure: Figure, source: Expression, scope: Scope, place: Place
    ) -> Iterator[tuple[str, float]]:
        """Yield the factors of the figures within a field, by their paths within it."""
        here = f"{scope.prefix}{'.'.join(source.path)}" if source.path else None
        for path, part in figure.inner.items():
            rest = path.removeprefix(figure.target)
            known = None if here is None else scope.type.leaves.get(f"{here}{rest}")
            if known is None and here is not None and here in scope.type.leaves:
                continue  # not among the property's fields
            if known is None or known.unit is None:
                expected = f"a property whose fields have units, or `each`: {part.unit} for {path}"
                place.refuse(source.text, expected)
                return
            yield rest.removeprefix("."), self.between(known.unit, part.unit or "1", place)

    def _unit(self, stated: FieldRuleForm, source: Expression, scope: Scope) -> str | None:
        """Return the unit of what an expression finds: the stated one, or that of a property."""
        if stated.unit is not None:
            return stated.unit
        way = source.path
        if way is None:
            return None
        leaves = scope.type.leaves
        if way[0] == RELATED and len(way) > LONGEST_WAY:
            relation = scope.type.stated.relations.get(way[1])
            target = self.types.get(relation.to) if relation is not None else None
            leaves, way = (target.leaves if target is not None else {}), way[2:]
        leaf = leaves.get(f"{scope.prefix}{'.'.join(way)}")
        return None if leaf is None else leaf.unit

    def between(self, source: str, target: str, place: Place) -> float:
        """Return the factor between two units; 1 once it is noted that there is none."""
        try:
            return factor(source, target, self.currency)
        except NoConversion as error:
            place.refuse(source, f"a unit that becomes {target}; {error}")
            return 1.0
