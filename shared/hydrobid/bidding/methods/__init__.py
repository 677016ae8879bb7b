"""The bid methods, by the name that an asset's configuration gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hydrobid.bidding.method import BidMethod
from hydrobid.bidding.methods import multi_scenario
from hydrobid.domain.configuration import AssetConfiguration

METHODS: Final[Mapping[str, BidMethod]] = {"multi_scenario": multi_scenario}


def method_of(asset: AssetConfiguration) -> BidMethod:
    """Return the bid method of an asset."""
    return METHODS[asset.method.name]
