"""What makes ten thousand schedules affordable: a short delivery day, and nothing computed twice.

The memory adapter's copies are left out, and what the product computes from a content or a document
is remembered by the identity of its argument: values and stored documents are never changed in
place. None of it touches an order of things, which is what the simulator is after, and all of it is
undone when a schedule ends.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, time
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from simulation.client import HOURS

from hydrobid.adapters import memory
from hydrobid.bidding.methods import blocks, multi_scenario, stochastic
from hydrobid.domain import market
from hydrobid.domain.base import Value
from hydrobid.domain.canonical import canonical_json, digest_of_bytes
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid, local_instant
from hydrobid.hydro.schedule import Schedule
from hydrobid.pipeline import (
    blobs,
    day_scenarios,
    fallback_bid,
    fetch_results,
    guard_gate,
    hold_order,
    merge_area,
    plan_run,
    run_inputs,
)
from hydrobid.schema import configuration_of, scenario_set_for

Function = Callable[..., Any]


@contextmanager
def shortcuts() -> Iterator[None]:
    """Take the shortcuts while the context lasts."""
    originals = [(owner, name, vars(owner)[name]) for owner, name, _ in _OVER_CONTENTS]
    documents = _over_documents()
    originals += [(owner, name, vars(owner)[name]) for owner, name, _ in documents]
    for owner, name, shortcut in (*_OVER_CONTENTS, *documents):
        setattr(owner, name, shortcut)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _short_day(day: date, zone: ZoneInfo, minutes: int) -> MtuGrid:
    return MtuGrid(local_instant(day, time(0), zone), minutes, HOURS)


def _remembered(function: Function) -> Function:
    """Return a function that remembers what it gave for the very same arguments."""
    known: dict[tuple[int, ...], tuple[tuple[Any, ...], Any]] = {}

    def remembered(*arguments: Any) -> Any:
        key = tuple(map(id, arguments))
        if key not in known:
            # The arguments are kept, so that no other object can get their identity.
            known[key] = (arguments, function(*arguments))
        return known[key][1]

    return remembered


def _total(function: Function) -> Function:
    """Return the sum of matrices, remembered by the matrices in the list and not by the list."""
    remembered = _remembered(lambda *given: function(given[0], list(given[1:])))
    return lambda rules, matrices: remembered(rules, *matrices)


def _of_a_day(function: Function) -> Function:
    """Return a function of a content, a market, a day, areas and a horizon that remembers values."""
    known: dict[Any, Any] = {}

    def of_a_day(document: Any, rules: Any, day: date, areas: Any, horizon: Any) -> Any:
        bounds = None if horizon is None else horizon.bounds
        key = (id(document), id(rules), day, tuple(areas), bounds)
        if key not in known:
            known[key] = (document, rules, function(document, rules, day, areas, horizon))
        return known[key][-1]

    return of_a_day


def _on_a_grid(function: Function) -> Function:
    """Return a function of a market, a grid and more, as an asset, that remembers its values."""
    known: dict[Any, Any] = {}

    def on_a_grid(rules: Any, grid: MtuGrid, *given: Any) -> Any:
        key = (id(rules), grid, *map(id, given))
        if key not in known:
            known[key] = (rules, given, function(rules, grid, *given))
        return known[key][-1]

    return on_a_grid


def _fitted(function: Function) -> Function:
    known: dict[tuple[Any, ...], Any] = {}

    def fitted(prices: Any, volumes: Any, weights: Any, rules: Any, reach: Any) -> Any:
        key = (prices.tobytes(), volumes.tobytes(), weights.tobytes(), reach)
        if key not in known:
            known[key] = function(prices, volumes, weights, rules, reach)
        return known[key]

    return fitted


def _over_documents() -> tuple[tuple[Any, str, Any], ...]:
    """Return what is remembered for one schedule: which value each document came from, or gave."""
    known: dict[tuple[type, int], tuple[Any, Any]] = {}
    read, written = Value.from_document.__func__, Value.to_document  # type: ignore[attr-defined]

    def from_document(kind: type[Value], document: Any, path: str | None = None) -> Any:
        key = (kind, id(document))
        if key not in known:
            known[key] = (document, read(kind, document, path))
        return known[key][1]

    def to_document(value: Value) -> Any:
        document = written(value)
        known[type(value), id(document)] = (document, value)
        return document

    return (
        (Value, "from_document", classmethod(from_document)),
        (Value, "to_document", to_document),
    )


# Contents are few, the same in every schedule: what they give is remembered for good.
_configuration_of = _remembered(configuration_of)
_WATER_VALUE_BID = _on_a_grid(fallback_bid.water_value_bid)
_OVER_CONTENTS: tuple[tuple[Any, str, Any], ...] = (
    (market, "delivery_grid", _short_day),
    (memory, "copy", SimpleNamespace(deepcopy=lambda document: document)),
    (blobs, "json", SimpleNamespace(loads=lru_cache(maxsize=None)(json.loads))),
    (blobs, "canonical_json", _remembered(canonical_json)),
    (
        blobs,
        "zlib",
        SimpleNamespace(
            compress=lru_cache(maxsize=None)(zlib.compress),
            decompress=lru_cache(maxsize=None)(zlib.decompress),
            error=zlib.error,
        ),
    ),
    (blobs, "digest_of_bytes", lru_cache(maxsize=None)(digest_of_bytes)),
    (Schedule, "to_document", _remembered(Schedule.to_document)),
    (day_scenarios, "scenario_set_for", _of_a_day(scenario_set_for)),
    (ScenarioSet, "to_document", _remembered(ScenarioSet.to_document)),
    (run_inputs, "configuration_of", _configuration_of),
    (plan_run, "configuration_of", _configuration_of),
    (guard_gate, "configuration_of", _configuration_of),
    (hold_order, "configuration_of", _configuration_of),
    (fetch_results, "configuration_of", _configuration_of),
    (multi_scenario, "fit_curve", _fitted(multi_scenario.fit_curve)),
    (fallback_bid, "water_value_bid", _WATER_VALUE_BID),
    (blocks, "water_value_bid", _WATER_VALUE_BID),
    (stochastic, "water_value_bid", _WATER_VALUE_BID),
    (blocks, "program", _on_a_grid(blocks.program)),
    (stochastic, "program", _on_a_grid(stochastic.program)),
    (multi_scenario, "water_value_bid", _WATER_VALUE_BID),
    (merge_area, "_total", _total(merge_area._total)),
    (BidMatrix, "from_document", staticmethod(_remembered(BidMatrix.from_document))),
    (BidMatrix, "to_document", _remembered(BidMatrix.to_document)),
    (BidMatrix, "digest", _remembered(BidMatrix.digest)),
    (ScenarioSet, "from_document", staticmethod(_remembered(ScenarioSet.from_document))),
)
