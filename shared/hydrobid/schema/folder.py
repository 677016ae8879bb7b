"""A client's folder to canonical documents.

Reading (bytes to plain data), checking (plain data to forms) and mapping (forms to the domain) are
apart, so that each can gain versions by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.market import Market
from hydrobid.domain.watercourse import Watercourse
from hydrobid.schema.checking import checked
from hydrobid.schema.client import (
    CLIENT_FILE,
    CONFIGURATION_VERSION,
    ClientInputs,
    lacking_must_have,
)
from hydrobid.schema.files import ClientFiles
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.forms import (
    MAX_ASSETS,
    MAX_SCENARIO_SETS,
    AssetForm,
    ClientForm,
    ScenarioSetForm,
)
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.scenario_sets import check_inflow_names, scenario_set_of, with_inflows
from hydrobid.schema.versions import lifted
from hydrobid.schema.watercourses import watercourse_of


def read_client(
    files: Mapping[str, bytes], folder: str, documents: Mapping[str, dict[str, Any]] | None = None
) -> ClientInputs:
    """Return the inputs in a client's folder, checked as far as no delivery day is needed.

    files: content by file name relative to the folder. folder: its name, for messages only.
    documents: what stands in place of YAML files of that name, read already.

    Raises:
        InvalidInput: with every problem found; the documents are files, the folder's name first.
    """
    findings = Findings()
    client_files = ClientFiles(files, folder, findings, documents or {})
    place = client_files.place(CLIENT_FILE)
    name = client_files.referred(CLIENT_FILE, place)
    stated = client_files.yaml(name) if name else None
    content = None if stated is None else lifted(stated, place)
    inputs = None if content is None else _Reading(content, client_files, place).inputs()
    return findings.settled(inputs)


@dataclass(frozen=True)
class _Reading:
    """The content of `client.yaml` at its place, and the files that it refers to."""

    content: dict[str, Any]
    files: ClientFiles
    place: Place

    def inputs(self) -> ClientInputs | None:
        form = checked(ClientForm, self.content, self.place)
        market = None
        if "market" in self.content:
            market = market_of(self.content["market"], self.place / "market")
        sets = self._scenario_sets(market)
        assets, watercourses = self._assets(market, sets)
        if form is None or market is None or len(self.place.findings):
            return None
        taken = {
            "client", "portfolio", "stages", "approval", "on_silence", "checks", "horizon", "inputs",
        }  # fmt: skip
        fields = form.model_dump(include=taken)
        fields |= {"market": market, "assets": assets}
        configuration = checked(ClientConfiguration, fields, self.place)
        if configuration is None:
            return None
        return ClientInputs(
            {
                "version": CONFIGURATION_VERSION,
                "description": form.description,
                "sources": {"client": CLIENT_FILE, "watercourses": watercourses},
                "configuration": configuration.to_document(),
            },
            {name: document for name, document in sets.items() if document},
        )

    def _scenario_sets(self, market: Market | None) -> dict[str, dict[str, Any] | None]:
        """Return the document of each scenario set, None where it has faults."""
        stated = self.content.get("scenario_sets")
        if not isinstance(stated, dict) or len(stated) > MAX_SCENARIO_SETS:
            return {}
        return {
            name: self._scenario_set(fields, market, self.place / "scenario_sets" / name)
            for name, fields in stated.items()
        }

    def _scenario_set(
        self, fields: Any, market: Market | None, place: Place
    ) -> dict[str, Any] | None:
        form = checked(ScenarioSetForm, fields, place)
        file = self.files.referred(form.file, place / "file") if form else None
        if form is None or file is None:
            return None
        document = scenario_set_of(
            self.files.files[file],
            file,
            market,
            self.files.place(file),
            form.probabilities,
            place / "probabilities",
        )
        if document and document["probability_source"] == "file" and form.probabilities:
            stated = f"{len(form.probabilities)} probabilities"
            expected = f"nothing: {file} has a column of probabilities"
            (place / "probabilities").refuse(stated, expected)
        if document is None or market is None or form.inflows is None:
            return document
        inflows = self.files.referred(form.inflows, place / "inflows")
        if inflows is None:
            return None
        content, at = self.files.files[inflows], self.files.place(inflows)
        return with_inflows(document, content, inflows, market, at)

    def _assets(
        self, market: Market | None, sets: Mapping[str, dict[str, Any] | None]
    ) -> tuple[list[AssetConfiguration], dict[str, str]]:
        """Return the assets without faults, and the file of each one's watercourse."""
        listed = self.content.get("assets")
        if not isinstance(listed, list) or len(listed) > MAX_ASSETS:
            return [], {}
        assets: list[AssetConfiguration] = []
        sources: dict[str, str] = {}
        for index, fields in enumerate(listed):
            place = self.place / "assets" / index
            form = checked(AssetForm, fields, place)
            if form is None:
                continue
            if form.asset in sources:
                (place / "asset").refuse(form.asset, "a name of its own for each asset")
            self._check_prices(form, market, sets, place)
            _check_must_have(form, sets.get(form.scenario_set), place)
            file = self.files.referred(form.watercourse, place / "watercourse")
            if file in sources.values():
                expected = "a watercourse of its own for each asset: no water is bid twice"
                (place / "watercourse").refuse(file, expected)
            sources[form.asset] = file or form.watercourse
            mapped = self._watercourse(file) if file else None
            if mapped:
                asset = {**form.model_dump(exclude={"watercourse"}), "watercourse": mapped}
                assets.append(AssetConfiguration.model_validate(asset))
        for name, document in sets.items():
            inflows = (document or {}).get("inflows")
            if inflows is not None:
                check_inflow_names(inflows, name, assets, self.files.place(inflows["file"]))
        return assets, sources

    def _check_prices(
        self,
        form: AssetForm,
        market: Market | None,
        sets: Mapping[str, dict[str, Any] | None],
        place: Place,
    ) -> None:
        """Note an area that the market has not, and one that the scenario set has no prices of."""
        if market and form.price_area not in market.price_areas:
            expected = f"a price area of {market.id}: {one_of(form.price_area, market.price_areas)}"
            (place / "price_area").refuse(form.price_area, expected)
        if form.scenario_set not in sets:
            (place / "scenario_set").refuse(form.scenario_set, one_of(form.scenario_set, sets))
        elif (series := sets[form.scenario_set]) and form.price_area not in series["prices"]:
            expected = f"an area that {series['file']} has: {', '.join(series['prices'])}"
            (place / "price_area").refuse(form.price_area, expected)

    def _watercourse(self, file: str) -> Watercourse | None:
        content = self.files.yaml(file)
        return None if content is None else watercourse_of(content, self.files.place(file))


def _check_must_have(form: AssetForm, series: Mapping[str, Any] | None, place: Place) -> None:
    """Note scenarios that must be solved and are not of the set."""
    if series is None:
        return
    for scenario in lacking_must_have(form, series["scenarios"]):
        index = form.coverage.must_have.index(scenario)
        expected = f"a scenario that {series['file']} has: {one_of(scenario, series['scenarios'])}"
        (place / "coverage" / "must_have" / index).refuse(scenario, expected)
