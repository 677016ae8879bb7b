"""`clients`: who can be bid for."""

from __future__ import annotations

from typing import Any

import typer
from rich.text import Text

from hydrobid.cli.clients import client_folders, clients_dir_of, inputs_in
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import DEFAULT, ClientsDir, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, show_error
from hydrobid.cli.render import new_table
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.local_cloud.state import load_state
from hydrobid.schema import ClientInputs, configuration_of


def clients(
    clients_dir: ClientsDir = None, data_dir: DataDir = DEFAULT, as_json: Json = False
) -> None:
    """List the clients in a folder: market, price areas, assets and scenario sets.

    Ends with exit code 2 when one of them has a fault; the others are listed all the same.

    Example: hydrobid clients --json
    """
    clients_dir = clients_dir_of(clients_dir, load_state(data_folder(data_dir)))
    listed: list[dict[str, Any]] = []
    refused: list[Problem] = []
    for folder in client_folders(clients_dir).values():
        try:
            listed.append(_entry(inputs_in(folder)))
        except InvalidInput as error:
            refused.extend(error.problems)
    if as_json:
        print_json({"clients": listed, "problems": [p.as_document() for p in refused]})
    else:
        _print(listed)
    if refused:
        show_error(InvalidInput(refused), as_json=False)
        raise typer.Exit(ExitCode.BAD_INPUT)


def _entry(inputs: ClientInputs) -> dict[str, Any]:
    configuration = configuration_of(inputs.configuration)
    market = configuration.market
    return {
        "client": configuration.client,
        "description": inputs.configuration["description"],
        "market": market.id,
        "mtu_minutes": market.mtu_minutes,
        "portfolio": configuration.portfolio,
        "assets": [
            {
                "asset": asset.asset,
                "price_area": asset.price_area,
                "method": asset.method.name,
                "scenario_set": asset.scenario_set,
                "scenarios": len(inputs.scenario_sets[asset.scenario_set]["scenarios"]),
            }
            for asset in configuration.assets
        ],
    }


def _print(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        out.print(
            Text.assemble(
                (entry["client"], "bold"), f"  {entry['market']}, {entry['mtu_minutes']} min"
            )
        )
        out.print(Text(entry["description"]), soft_wrap=False)
        table = new_table("asset", "price area", "method", "scenario set", ">scenarios")
        for asset in entry["assets"]:
            table.add_row(*(Text(str(value)) for value in asset.values()))
        out.print(table)
        out.print()
