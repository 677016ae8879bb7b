"""A model's objects as forms, and the paths of everything in it that is not understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hydrobid.domain.identifiers import Identifier
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place
from hydrobid.schema.shop.forms import (
    MAX_OBJECTS,
    CutGroupForm,
    GateForm,
    GeneratorForm,
    MarketForm,
    PlantForm,
    PumpForm,
    ReservoirForm,
    RiverForm,
    ShopForm,
)

F = TypeVar("F", bound=ShopForm)


@dataclass
class Objects:
    """What is understood, by name and sorted. ignored: paths of what is not."""

    place: Place
    reservoirs: Mapping[str, ReservoirForm]
    plants: Mapping[str, PlantForm]
    generators: Mapping[str, GeneratorForm]
    pumps: Mapping[str, PumpForm]
    gates: Mapping[str, GateForm]
    rivers: Mapping[str, RiverForm]
    markets: Mapping[str, MarketForm]
    cut_groups: Mapping[str, CutGroupForm]
    ignored: list[str] = field(default_factory=list)

    def at(self, kind: str, name: str, attribute: str = "") -> Place:
        """Return the place of an object, or of one of its attributes."""
        at = self.place / kind / name
        return at / attribute if attribute else at

    def ignore(self, kind: str, name: str, attribute: str = "") -> None:
        """Note that an object, or one of its attributes, is not used after all."""
        self.ignored.append(self.at(kind, name, attribute).field)

    def ignore_stated(self, kind: str, name: str, *attributes: str) -> None:
        """Note that attributes are not used, those that are stated."""
        for attribute in attributes:
            if getattr(self._form(kind, name), attribute) is not None:
                self.ignore(kind, name, attribute)

    def constant(self, kind: str, name: str, attribute: str) -> float | None:
        """Return the value of a series that does not change; of one that does, the first."""
        series: dict[str, float] | None = getattr(self._form(kind, name), attribute)
        if series is None:
            return None
        values = [series[when] for when in sorted(series)]
        if len(set(values)) > 1:
            self.ignore(kind, name, f"{attribute} after its first value")
        return values[0]

    def lasting(self, kind: str, name: str, attribute: str) -> float | None:
        """Return the constant value of a series whose flag does not turn it off at any time."""
        flags = getattr(self._form(kind, name), f"{attribute}_flag", None) or {}
        if 0 in flags.values():
            self.ignore_stated(kind, name, attribute)
            return None
        return self.constant(kind, name, attribute)

    def _form(self, kind: str, name: str) -> ShopForm:
        forms: Mapping[str, ShopForm] = getattr(self, f"{kind}s")
        return forms[name]


def objects_of(model: Mapping[str, Any], place: Place) -> Objects:
    """Return the objects of a model, those without faults, once every fault is noted."""
    ignored: list[str] = []
    understood = {
        "reservoir": ReservoirForm,
        "plant": PlantForm,
        "generator": GeneratorForm,
        "pump": PumpForm,
        "gate": GateForm,
        "river": RiverForm,
        "market": MarketForm,
        "cut_group": CutGroupForm,
    }
    ignored += [(place / kind).field for kind in model if kind not in understood]

    def of(kind: str, form: type[F]) -> dict[str, F]:
        found = model.get(kind)
        if found is None:
            return {}
        if not isinstance(found, dict):
            (place / kind).refuse(found, "a mapping: objects by name")
            return {}
        if len(found) > MAX_OBJECTS:
            (place / kind).refuse(f"{len(found)} objects", f"at most {MAX_OBJECTS}")
            return {}
        return dict(_forms(found, form, place / kind, ignored))

    return Objects(
        place,
        reservoirs=of("reservoir", ReservoirForm),
        plants=of("plant", PlantForm),
        generators=of("generator", GeneratorForm),
        pumps=of("pump", PumpForm),
        gates=of("gate", GateForm),
        rivers=of("river", RiverForm),
        markets=of("market", MarketForm),
        cut_groups=of("cut_group", CutGroupForm),
        ignored=ignored,
    )


def _forms(
    found: Mapping[str, Any], form: type[F], place: Place, ignored: list[str]
) -> Iterator[tuple[str, F]]:
    for name, content in sorted(found.items()):
        at = place / name
        if not Identifier.pattern.fullmatch(name):
            at.refuse(name, f"a name of {Identifier.rule}")
            continue
        attributes = {} if content is None else content
        if form is MarketForm and not _sells_energy(attributes):
            ignored.append(at.field)
            continue
        filled = checked(form, attributes, at)
        if filled is not None:
            unknown = (key for key in attributes if key not in form.model_fields)
            ignored += [(at / key).field for key in unknown]
            yield name, filled


def _sells_energy(attributes: Any) -> bool:
    """Whether a market is one of energy with a price; others change nothing that is understood."""
    if not isinstance(attributes, dict):
        return True  # a fault, which its form will tell
    return attributes.get("market_type", "ENERGY") == "ENERGY" and "sale_price" in attributes
