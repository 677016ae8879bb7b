"""A client's inputs as canonical documents: their form, and the way from them to the domain.

Canonical documents hold everything resolved: the digest of one names the content, wherever its
files lay and however they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.methods import MultiScenario
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.forms import AssetForm
from hydrobid.schema.scenario_sets import scenario_set_of
from hydrobid.schema.versions import stages_and_coverage

CLIENT_FILE = "client.yaml"
# Its number is a part of the digest that names a run's inputs, so it outlasts forms that only differ in
# how they are written; what was stored in an older one is lifted when it is read.
CONFIGURATION_VERSION = 1


@dataclass(frozen=True)
class ClientInputs:
    """What a client's runs are made from, as canonical documents that JSON can hold.

    configuration: `version`, `description`, `sources` (the files it came from) and `configuration`
    (the domain's ClientConfiguration). scenario_sets: by name, each as `scenario_set_of` has it.
    """

    configuration: dict[str, Any]
    scenario_sets: dict[str, dict[str, Any]]


def configuration_of(document: Mapping[str, Any]) -> ClientConfiguration:
    """Return the configuration that a canonical document holds; raise InvalidInput."""
    findings = Findings()
    sources = document.get("sources")
    name = sources.get("client") if isinstance(sources, Mapping) else None
    place = Place(findings, str(name or "configuration"))
    if document.get("version") != CONFIGURATION_VERSION:
        (place / "version").refuse(document.get("version"), str(CONFIGURATION_VERSION))
    stored = document.get("configuration")
    if isinstance(stored, Mapping):
        stored = stages_and_coverage(stored)
    configuration = checked(ClientConfiguration, stored, place)
    return findings.settled(configuration)


def with_prices(inputs: ClientInputs, name: str, file_name: str, content: bytes) -> ClientInputs:
    """Return the same inputs with one scenario set read from another file.

    Probabilities that the client's configuration states stay in force, unless the file has a column
    of its own. So do the set's inflows, which have to be of the file's scenarios.

    Raises:
        InvalidInput: there is no scenario set `name`, or the file is refused.
    """
    findings = Findings()
    document = findings.settled(set_from_file(inputs, name, file_name, content, findings))
    kept = with_inflows_of(document, inputs.scenario_sets[name])
    return replace(inputs, scenario_sets={**inputs.scenario_sets, name: kept})


def set_from_file(
    inputs: ClientInputs,
    name: str,
    file_name: str,
    content: bytes,
    findings: Findings,
    partner: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return a client's scenario set by another file, without inflows; None once faults are noted.

    partner: a set with the inflows that its scenarios have to fit, the client's own if None.
    """
    place = Place(findings, file_name)
    if name not in inputs.scenario_sets:
        Place(findings, CLIENT_FILE, "scenario_sets").refuse(
            name, f"a scenario set: {one_of(name, inputs.scenario_sets)}"
        )
        return None
    configuration = configuration_of(inputs.configuration)
    former = inputs.scenario_sets[name]
    configured = None
    if former["probability_source"] == "client":
        configured = dict(zip(former["scenarios"], former["probabilities"], strict=True))
    document = scenario_set_of(
        content,
        PurePath(file_name).name,
        configuration.market,
        place,
        configured,
        Place(findings, CLIENT_FILE, f"scenario_sets.{name}.probabilities"),
    )
    for asset in configuration.assets:
        if document and asset.scenario_set == name:
            _check_asset(document, asset, place)
    if document:
        _check_scenarios(document, partner or former, place)
    return document


def with_inflows_of(document: dict[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scenario set with the inflows of another, which have to be of its scenarios.

    Raises:
        InvalidInput: they are of others.
    """
    findings = Findings()
    _check_scenarios(document, former, Place(findings, str(document["file"])))
    findings.raise_if_any()
    return {**document, "inflows": former["inflows"]} if "inflows" in former else document


def _check_asset(document: Mapping[str, Any], asset: AssetConfiguration, place: Place) -> None:
    """Note what a set lacks that an asset solved on it needs: its area, and what must be solved."""
    if asset.price_area not in document["prices"]:
        expected = f"prices of {asset.price_area}, where {asset.asset} is bid"
        (place / "price_area").refuse(", ".join(document["prices"]), expected)
    lacking = lacking_must_have(asset, document["scenarios"])
    if lacking:
        stated = f"{len(document['scenarios'])} scenarios without {', '.join(lacking)}"
        expected = f"every scenario that coverage.must_have of {asset.asset} names"
        (place / "scenario").refuse(stated, expected)


def lacking_must_have(
    asset: AssetConfiguration | AssetForm, scenarios: Sequence[str]
) -> tuple[ScenarioId, ...]:
    """Return what an asset must have solved and a set has not; other methods have sets of their own."""
    if asset.method.name != MultiScenario().name:
        return ()
    return tuple(one for one in asset.coverage.must_have if one not in scenarios)


def _check_scenarios(document: Mapping[str, Any], former: Mapping[str, Any], place: Place) -> None:
    if "inflows" in former and document["scenarios"] != former["scenarios"]:
        stated = f"{len(document['scenarios'])} scenarios"
        expected = f"the {len(former['scenarios'])} that {former['inflows']['file']} has"
        (place / "scenario").refuse(stated, expected)
