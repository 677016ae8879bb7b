"""A client's market: one that is shipped, by name, or its rules in line."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import Any

from hydrobid.domain.market import Market
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.forms import MarketForm
from hydrobid.schema.yaml_document import read_yaml

_AMOUNTS = ("price_min", "price_max", "price_tick", "volume_lot")


def market_of(content: Any, place: Place) -> Market | None:
    """Return the market that a name or rules in line stand for, or None once faults are noted."""
    if isinstance(content, str):
        shipped = {
            file.name.removesuffix(".yaml"): file
            for file in (files("hydrobid.schema") / "markets").iterdir()
        }
        if content not in shipped:
            place.refuse(content, f"rules in line, or a shipped market: {one_of(content, shipped)}")
            return None
        content = read_yaml(shipped[content].read_bytes(), f"markets/{content}.yaml")
    form = checked(MarketForm, content, place)
    if form is None:
        return None
    amounts: dict[str, Any] = {name: _exact(getattr(form, name)) for name in _AMOUNTS}
    if form.blocks is not None:
        volume_max = _exact(form.blocks.volume_max)
        amounts["blocks"] = {**form.blocks.model_dump(), "volume_max": volume_max}
    if form.reserve is not None:
        bid_max = _exact(form.reserve.bid_max)
        amounts["reserve"] = {**form.reserve.model_dump(), "bid_max": bid_max}
    return checked(Market, {**form.model_dump(), **amounts}, place)


def _exact(amount: float) -> Decimal:
    """Return a number as it was typed, in one spelling: 0.1, and 500 for 500.0."""
    return Decimal(int(amount)) if amount.is_integer() else Decimal(repr(amount))
