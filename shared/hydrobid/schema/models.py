"""A model to solve by itself: a watercourse of ours or a SHOP case, with prices and inflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.conditions import Conditions, Steps
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.conditions import means
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.price_files import PriceChoice, SourceFile, prices_of
from hydrobid.schema.series import LARGEST_INFLOW
from hydrobid.schema.shop import is_shop, shop_case_of
from hydrobid.schema.shop.times import MAX_PERIODS
from hydrobid.schema.value_tables import columns_of, series_in
from hydrobid.schema.watercourses import watercourse_of
from hydrobid.schema.yaml_document import read_yaml


@dataclass(frozen=True, eq=False)
class Model:
    """A problem with its prices, (T,) currency per MWh. ignored: paths of what was not understood."""

    problem: Problem
    prices: NDArray[np.float64]
    ignored: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Document:
    """What a model's own document says; one of ours has neither times nor prices."""

    watercourse: Watercourse
    horizon: Horizon | None = None
    prices: NDArray[np.float64] | None = None
    ignored: tuple[str, ...] = ()


def read_model(
    model: SourceFile,
    prices: SourceFile | None = None,
    inflows: SourceFile | None = None,
    choice: PriceChoice | None = None,
) -> Model:
    """Return the model in a YAML document, SHOP's or ours, over its horizon.

    A SHOP case brings its horizon, and prices unless a file takes their place; for a watercourse
    of ours both are the price file's. inflows: a column for each reservoir that it tells of.

    Raises:
        InvalidInput: with every problem of all files.
    """
    findings = Findings()
    document = _document(model, Place(findings, model.name))
    steps = None
    if prices is not None:
        steps = prices_of(prices, choice or PriceChoice(), Place(findings, prices.name))
    elif document is not None and document.prices is None:
        expected = f"a file of prices: {model.name} has none"
        Place(findings, "command line", "--prices").refuse(None, expected)
    if document is not None and inflows is not None:
        document = _with_inflows(document, inflows, Place(findings, inflows.name))
    findings.raise_if_any()
    found = findings.settled(document)
    priced = None
    if prices is not None:
        priced = _priced(found, findings.settled(steps), Place(findings, prices.name))
        findings.raise_if_any()
    horizon, values = priced or (found.horizon, found.prices)
    problem = Problem.over(found.watercourse, findings.settled(horizon))
    return Model(problem, findings.settled(values), found.ignored)


def _document(file: SourceFile, place: Place) -> _Document | None:
    try:
        content = read_yaml(file.content, file.name)
    except InvalidInput as error:
        for problem in error.problems:
            place.findings.add(problem)
        return None
    if is_shop(content):
        case = shop_case_of(content, _name(file.name), place)
        if case is None:
            return None
        return _Document(case.watercourse, case.horizon, case.prices, case.ignored)
    if not isinstance(content, dict):
        place.refuse(content, "a watercourse, or a SHOP case with model, connections and time")
        return None
    watercourse = watercourse_of(content, place)
    return None if watercourse is None else _Document(watercourse)


def _name(file: str) -> str:
    """Return a name for a watercourse that has none: its file's, as far as a name may be so."""
    stem = "".join(
        c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in PurePath(file).stem
    )
    return stem.lstrip("_.-")[:80] or "case"


def _with_inflows(document: _Document, file: SourceFile, place: Place) -> _Document | None:
    """Return the document with a file's inflows in place of its own."""
    columns = columns_of(file.content, file.name, place)
    if columns is None:
        return None
    series = series_in(columns, (0.0, LARGEST_INFLOW), place)
    names = [str(reservoir.name) for reservoir in document.watercourse.reservoirs]
    for name in columns:
        if name != "time" and name not in names:
            (place / "header" / name).refuse(name, f"a reservoir: {one_of(name, names)}")
    if len(place.findings):
        return None
    watercourse = document.watercourse
    stated = (watercourse.conditions or Conditions()).to_document()
    inflow = stated.get("inflow", {}) | {name: s.to_document() for name, s in series.items()}
    conditions = Conditions.model_validate({**stated, "inflow": inflow})
    changed = watercourse.model_copy(update={"conditions": conditions})
    return _Document(changed, document.horizon, document.prices, document.ignored)


def _priced(
    document: _Document, steps: Steps, place: Place
) -> tuple[Horizon, NDArray[np.float64]] | None:
    """Return the horizon and (T,) prices over it; the last price holds as long as the one before."""
    if len(steps.times) < 2:
        (place / "time").refuse(
            len(steps.times), "two times at least: they tell how long one lasts"
        )
        return None
    end = steps.times[-1] + (steps.times[-1] - steps.times[-2])
    horizon = document.horizon
    if horizon is None:
        if len(steps.times) > MAX_PERIODS:
            (place / "time").refuse(f"{len(steps.times)} times", f"at most {MAX_PERIODS}")
            return None
        horizon = Horizon((*steps.times, end), slice(0, len(steps.times)))
    if steps.times[0] > horizon.start or end < horizon.end:
        stated, wanted = _span(steps.times[0], end), _span(horizon.start, horizon.end)
        (place / "time").refuse(stated, f"prices for all of {wanted}")
        return None
    return horizon, means(steps, horizon, 0.0)


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}"
