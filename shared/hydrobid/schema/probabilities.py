"""Probabilities of scenarios: a column of the file, or stated by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hydrobid.domain.scenarios import PROBABILITY_TOLERANCE
from hydrobid.schema.findings import MAX_PROBLEMS, Place, one_of
from hydrobid.schema.tables import ScenarioTable


def stated_probabilities(table: ScenarioTable, place: Place) -> dict[str, float] | None:
    """Return each scenario's probability by the table, or None where it has no such column.

    Notes probabilities out of range, and those that change within a scenario.
    """
    if table.probability is None:
        return None
    first = table.probability[table.scenario.firsts]
    expected = first[table.scenario.codes]
    sound = (table.probability > 0) & (table.probability <= 1)
    for at in np.flatnonzero(~sound | (table.probability != expected)):
        right = f"{expected[at]:g}, as in its scenario's first row"
        (place / f"row {table.rows[at]}, probability").refuse(
            float(table.probability[at]), right if sound[at] else "above 0 and at most 1"
        )
    return dict(zip(table.scenario.names, first.tolist(), strict=True))


def probabilities_of(
    stated: Mapping[str, float], scenarios: Sequence[str], place: Place
) -> list[float]:
    """Return a probability for each scenario, in order.

    Notes names that are missing or unknown, and a sum that is not 1.
    """
    for name in sorted(set(stated) - set(scenarios))[:MAX_PROBLEMS]:
        expected = f"a scenario of the file: {one_of(name, scenarios)}"
        (place / name).refuse(stated[name], expected)
    missing = [name for name in scenarios if name not in stated]
    if missing:
        expected = f"a probability for each scenario of the file: {len(missing)} lack one"
        (place / missing[0]).refuse(None, expected)
    total = sum(stated.values())
    if abs(total - 1) > PROBABILITY_TOLERANCE:
        place.refuse(round(total, 9), "probabilities with a sum of 1")
    return [stated.get(name, 0.0) for name in scenarios]
