"""Files of price and inflow scenarios to a scenario set's canonical document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.market import Market
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.json_table import read_json
from hydrobid.schema.parquet import read_parquet
from hydrobid.schema.probabilities import probabilities_of, stated_probabilities
from hydrobid.schema.series import series_of
from hydrobid.schema.tables import INFLOWS, PRICES, ScenarioTable, TableForm, read_csv

SCENARIO_SET_VERSION = 1
_READERS = {".csv": read_csv, ".parquet": read_parquet, ".json": read_json}


def scenario_set_of(
    content: bytes,
    file: str,
    market: Market | None,
    place: Place,
    configured: Mapping[str, float] | None,
    configured_at: Place,
) -> dict[str, Any] | None:
    """Return a scenario set's document, or None once every fault of its file is noted.

    The document has `version`, `file`, `kind` (profile or dated), `scenarios` in natural order,
    `probabilities`, `probability_source` and `prices`: for each price area its `times` and the
    `values` of each scenario.

    configured: what the client's configuration states. A column in the file goes before it; with
    neither, scenarios are equally probable. Without a market only the table as such is checked.
    """
    before = len(place.findings)
    table = _table(content, file, PRICES, place)
    if table is None:
        return None
    stated = stated_probabilities(table, place)
    series = series_of(table, market, place) if market else None
    if series is None or len(place.findings) > before:
        return None
    scenarios = series["scenarios"]
    if stated is not None:
        source, probabilities = "file", probabilities_of(stated, scenarios, place / "probability")
    elif configured is not None:
        source, probabilities = "client", probabilities_of(configured, scenarios, configured_at)
    else:
        source, probabilities = "equal", [1 / len(scenarios)] * len(scenarios)
    if len(place.findings) > before:
        return None
    return {
        "version": SCENARIO_SET_VERSION,
        "file": file,
        "kind": series["kind"],
        "scenarios": scenarios,
        "prices": series["series"],
        "probabilities": probabilities,
        "probability_source": source,
    }


def with_inflows(
    document: Mapping[str, Any], content: bytes, file: str, market: Market, place: Place
) -> dict[str, Any] | None:
    """Return a scenario set with the inflows of its scenarios, or None once faults are noted."""
    inflows = inflows_of(document, content, file, market, place)
    return None if inflows is None else {**document, "inflows": inflows}


def inflows_of(
    document: Mapping[str, Any], content: bytes, file: str, market: Market, place: Place
) -> dict[str, Any] | None:
    """Return the inflows of a scenario set's scenarios, or None once every fault is noted.

    They have their `file`, `kind` and `series`, as prices have them. A file of other scenarios than
    the set's is refused.
    """
    table = _table(content, file, INFLOWS, place)
    found = None if table is None else series_of(table, market, place)
    if found is None:
        return None
    scenarios = document["scenarios"]
    missing = [name for name in scenarios if name not in found["scenarios"]]
    strangers = [name for name in found["scenarios"] if name not in scenarios]
    for name in [*missing[:1], *strangers[:1]]:
        stated = "nothing" if missing else name
        expected = f"the {len(scenarios)} scenarios of {document['file']}, no more and no fewer"
        (place / "scenario" / name).refuse(stated, expected)
    if missing or strangers:
        return None
    return {"file": file, "kind": found["kind"], "series": found["series"]}


def check_inflow_names(
    inflows: Mapping[str, Any], name: str, assets: Sequence[AssetConfiguration], place: Place
) -> None:
    """Note an inflow of a scenario set that is of no reservoir, or of reservoirs of several assets."""
    owners: dict[str, list[str]] = {}
    for asset in assets:
        for reservoir in asset.watercourse.reservoirs if asset.scenario_set == name else ():
            owners.setdefault(reservoir.name, []).append(asset.asset)
    for series in inflows["series"]:
        at = place / "inflow" / series
        if series not in owners:
            at.refuse(series, f"a reservoir of an asset on {name}: {one_of(series, owners)}")
        elif len(owners[series]) > 1:
            expected = f"one such reservoir among the assets on {name}"
            at.refuse(f"of {', '.join(owners[series])}", expected)


def _table(content: bytes, file: str, form: TableForm, place: Place) -> ScenarioTable | None:
    reader = _READERS.get(PurePath(file).suffix.lower())
    if reader is None:
        expected = f"a file that ends in {', '.join(_READERS)}"
        (place / "name").refuse(PurePath(file).name, expected)
        return None
    return reader(content, form, place)
