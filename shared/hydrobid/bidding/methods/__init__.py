"""The bid methods, by the name that an asset's configuration gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hydrobid.bidding.method import BidMethod, JointMethod
from hydrobid.bidding.methods import (
    blocks,
    exclusive_group,
    multi_scenario,
    price_independent,
    price_shifts,
    stochastic,
    water_value,
)
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet

METHODS: Final[Mapping[str, BidMethod]] = {
    "blocks": blocks,
    "exclusive_group": exclusive_group,
    "multi_scenario": multi_scenario,
    "price_independent": price_independent,
    "price_shifts": price_shifts,
    "stochastic": stochastic,
    "water_value": water_value,
}


def planned_tasks(asset: AssetConfiguration, given: ScenarioSet) -> tuple[Task, ...]:
    """Return what is to be solved for an asset on the client's scenario set."""
    method = method_of(asset)
    return method.tasks(asset, method.scenarios(asset, given))


def method_of(asset: AssetConfiguration) -> BidMethod:
    """Return the bid method of an asset."""
    return METHODS[asset.method.name]


def joint_method_of(asset: AssetConfiguration) -> JointMethod | None:
    """Return the bid method of an asset if its bid comes of a joint task."""
    method = method_of(asset)
    return method if isinstance(method, JointMethod) else None
