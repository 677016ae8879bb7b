"""A resync configuration of Cognite PowerOps, read: its instances by type, and what they refer to.

Its files are lists of instances, one file a type, in folders of any names. A reference is text with a
prefix: `[name]X`, `[name|type:ShopScenario]X`, or `[external_id]shop_scenario_x`, where an id that is
not stated is the type and the name in snake case. Form and rules: cognite-power-ops (Apache-2.0),
RESYNC.md of its repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.yaml_document import read_yaml

UNDERSTOOD = (
    "market_configuration",
    "price_area_information",
    "bid_configuration_day_ahead",
    "shop_based_partial_bid_configuration",
    "water_value_based_partial_bid_configuration",
    "plant_information",
    "shop_scenario_set",
    "shop_scenario",
    "shop_model",
    "shop_attribute_mapping",
)
PARTIALS = UNDERSTOOD[3:5]
_REFERENCE = re.compile(r"\[(name|external_id)(?:\|type:(\w+))?\](.+)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Item:
    """An instance of a type. place: where it stands."""

    type: str
    name: str
    fields: Mapping[str, Any]
    place: Place

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass
class Resync:
    """Instances by type and name. ignored: files of other types."""

    findings: Findings
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    _by_id: dict[str, Item] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Put an instance among the others; note where there is one of its name."""
        if (item.type, item.name) in self.items:
            item.place.refuse(item.name, f"each {item.type} once")
        self.items[item.type, item.name] = item
        self._by_id[external_id(item)] = item

    def of(self, kind: str) -> list[Item]:
        """Return the instances of a type, as they stand in its files."""
        return [item for (of, _), item in self.items.items() if of == kind]

    def referred(self, item: Item, name: str, *kinds: str) -> Item | None:
        """Return what a field refers to, one of the kinds; None once it is noted that it does not."""
        return self._found(item.fields.get(name), kinds, item.place / name)

    def all_referred(self, item: Item, name: str, *kinds: str) -> list[Item]:
        """Return what the references of a list lead to, once those that lead nowhere are noted."""
        stated = item.fields.get(name)
        if not isinstance(stated, list):
            (item.place / name).refuse(stated, "a list of references")
            return []
        places = ((value, item.place / name / at) for at, value in enumerate(stated))
        found = (self._found(value, kinds, place) for value, place in places)
        return [item for item in found if item is not None]

    def _found(self, value: Any, kinds: tuple[str, ...], place: Place) -> Item | None:
        match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        known = [item for item in self.items.values() if item.type in kinds]
        if match is None:
            place.refuse(value, "a reference, as [name]X or [external_id]x")
            return None
        way, kind, target = match.groups()
        if way == "external_id":
            item = self._by_id.get(target)
            if item is None or item.type not in kinds:
                ids = [external_id(item) for item in known]
                place.refuse(target, f"an external id of a {_or(kinds)}: {one_of(target, ids)}")
                return None
            return item
        wanted = [snake(kind).removesuffix("_write")] if kind else list(kinds)
        for candidate in wanted:
            if candidate in kinds and (candidate, target) in self.items:
                return self.items[candidate, target]
        names = [item.name for item in known]
        place.refuse(target, f"the name of a {_or(kinds)}: {one_of(target, names)}")
        return None


def is_resync(files: Mapping[str, bytes]) -> bool:
    """Return whether a folder's files are a resync configuration."""
    return any(PurePosixPath(name).stem == "bid_configuration_day_ahead" for name in files)


def read_resync(files: Mapping[str, bytes]) -> Resync:
    """Return a configuration; raise InvalidInput with every fault of its files."""
    found = Resync(Findings())
    for file in sorted(files):
        kind = PurePosixPath(file).stem
        if not file.endswith((".yaml", ".yml")):
            continue
        if kind not in UNDERSTOOD:
            found.ignored.append(file)
            continue
        for item in _items(kind, file, files[file], found.findings):
            found.add(item)
    found.findings.raise_if_any()
    return found


def _items(kind: str, file: str, content: bytes, findings: Findings) -> Iterator[Item]:
    place = Place(findings, file)
    try:
        listed = read_yaml(content, file)
    except InvalidInput as error:
        for problem in error.problems:
            findings.add(problem)
        return
    if not isinstance(listed, list):
        place.refuse(listed, "a list of instances")
        return
    for index, fields in enumerate(listed):
        at = place / index
        name = fields.get("name", fields.get("external_id")) if isinstance(fields, dict) else None
        if isinstance(name, str) and name:
            yield Item(kind, name, fields, at)
        else:
            at.refuse(fields, "fields, with a name or an external_id")


def external_id(item: Item) -> str:
    """Return an instance's id: the stated one, or its type and name in snake case."""
    stated = item.fields.get("external_id")
    return stated if isinstance(stated, str) else f"{item.type}_{snake(item.name)}"


def snake(text: str) -> str:
    """Return text in snake case.

    >>> snake("ShopBasedPartialBidConfiguration"), snake("Nord Pool Day-Ahead")
    ('shop_based_partial_bid_configuration', 'nord_pool_day_ahead')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _or(kinds: tuple[str, ...]) -> str:
    return " or ".join(kinds)
