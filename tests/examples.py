"""The example clients as tests use them: their files, a market morning, a pipeline of their own."""

from __future__ import annotations

import copy
from datetime import date, datetime
from pathlib import Path

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.identifiers import ClientId
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.schema import ClientInputs

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "shared" / "clients"
SINTEF = ClientId("sintef-example")
CASCADE = ClientId("cascade-example")
DAY = date(2026, 11, 25)
MORNING = datetime.fromisoformat("2026-11-24T10:30+01:00")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return a client folder's files by their name within it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def published(inputs: ClientInputs, now: datetime = MORNING) -> InProcessPipeline:
    """Return a pipeline in one process at a market time, with inputs published."""
    pipeline = InProcessPipeline.starting_at(now)
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)
    return pipeline


def sintef_prices(factor: float, suffix: str = "") -> str:
    """Return the SINTEF example's scenario file with every price multiplied, without its header."""
    lines = (CLIENTS / SINTEF / "scenarios" / "prices.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines[1:] if line]
    return "".join(
        f"{scenario}{suffix},{area},{time},{float(price) * factor:.2f}\n"
        for scenario, area, time, price in rows
    )


PRICE_COLUMNS = "scenario,price_area,time,price\n"


def with_asset_fields(inputs: ClientInputs, **fields: object) -> ClientInputs:
    """Return the inputs with fields of every asset's configuration replaced."""
    configuration = copy.deepcopy(inputs.configuration)
    for asset in configuration["configuration"]["assets"]:
        asset.update(fields)
    return ClientInputs(configuration, inputs.scenario_sets)


def with_water_values(inputs: ClientInputs, factor: float) -> ClientInputs:
    """Return the inputs with each reservoir's water value multiplied, and in no segments."""
    configuration = copy.deepcopy(inputs.configuration)
    for asset in configuration["configuration"]["assets"]:
        for reservoir in asset["watercourse"]["reservoirs"]:
            reservoir["water_value"] = reservoir["water_value"] * factor
            reservoir.pop("water_value_segments", None)
    return ClientInputs(configuration, inputs.scenario_sets)
