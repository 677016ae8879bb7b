"""A day's scenario sets: the client's own, and the prices and inflows that arrived in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.series import OF_SCENARIOS, IfStale, Known, SeriesKind
from hydrobid.hydro.horizon import Horizon
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.publish_inputs import CurrentInputs
from hydrobid.schema import scenario_set_for
from hydrobid.schema.client import with_inflows_of

FallenBack = dict[SeriesKind, dict[Identifier, str]]
"""Why series that arrived do not serve the day, by kind and scenario set."""


@dataclass(frozen=True)
class DaySets:
    """A day's scenario sets by name. series: what of them arrived by itself."""

    sets: dict[Identifier, ScenarioSet] = field(default_factory=dict)
    series: Known = field(default_factory=dict)
    fallen_back: FallenBack = field(default_factory=dict)


def scenario_sets_of(
    documents: Documents,
    current: CurrentInputs,
    configuration: ClientConfiguration,
    day: date,
    horizon: Horizon | None,
) -> DaySets:
    """Return the day's scenario sets, each with the price areas of the assets on it.

    What arrived goes before the client's own. Where it does not hold the day, and the client's policy
    is to go on with what is known, its own serve if they do.
    """
    areas: dict[Identifier, set[PriceArea]] = {}
    for asset in configuration.assets:
        areas.setdefault(asset.scenario_set, set()).add(asset.price_area)
    found = DaySets()
    for name, wanted in sorted(areas.items()):
        if name not in current.scenario_sets:
            raise CorruptDocument(f"the configuration names no scenario set {name}", name=name)
        own = get_blob(documents, current.scenario_sets[name])
        arrived = _arrived(documents, current, name)
        asked = (configuration.market, day, sorted(wanted), horizon)
        first: InvalidInput | None = None
        for kinds in _choices(arrived, configuration):
            try:
                found.sets[name] = scenario_set_for(_joined(own, arrived, kinds), *asked)
            except InvalidInput as error:
                first = first or error
                continue
            for kind in arrived:
                if kind in kinds:
                    found.series.setdefault(kind, {})[name] = current.series[kind][name]
                elif first is not None:
                    found.fallen_back.setdefault(kind, {})[name] = first.problems[0].expected
            break
        else:
            raise first or AssertionError("there is always a choice")
    return found


def _arrived(
    documents: Documents, current: CurrentInputs, name: Identifier
) -> dict[SeriesKind, Mapping[str, Any]]:
    """Return what arrived for a scenario set, by kind."""
    return {
        kind: get_blob(documents, current.series[kind][name].content)["series"][name]
        for kind in OF_SCENARIOS
        if name in current.series.get(kind, {})
    }


def _choices(
    arrived: Mapping[SeriesKind, Any], configuration: ClientConfiguration
) -> Iterator[set[SeriesKind]]:
    """Yield the kinds of which what arrived is taken: all, then fewer where the policy allows it."""
    policies = configuration.inputs.freshness
    dispensable = [
        kind
        for kind in arrived
        if kind in policies and policies[kind].if_stale is IfStale.LAST_KNOWN
    ]
    yield set(arrived)
    for kind in reversed(dispensable):
        yield set(arrived) - {kind}
    if len(dispensable) > 1:
        yield set()


def _joined(
    own: dict[str, Any], arrived: Mapping[SeriesKind, Mapping[str, Any]], kinds: set[SeriesKind]
) -> dict[str, Any]:
    """Return a scenario set with the prices and the inflows of the kinds that are taken."""
    prices = dict(arrived[SeriesKind.PRICES]) if SeriesKind.PRICES in kinds else own
    inflows = arrived[SeriesKind.SCENARIO_INFLOWS] if SeriesKind.SCENARIO_INFLOWS in kinds else own
    return with_inflows_of(prices, inflows)
