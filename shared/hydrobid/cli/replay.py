"""`replay`: one scenario of a run, solved again from what was stored."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import owner_of
from hydrobid.cli.render import new_table
from hydrobid.cli.show import Client, Run
from hydrobid.client.connection import connect
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.replay_scenario import Replay, Solved

MOST_SHOWN = 20


def replay(
    run: Run,
    asset: Annotated[str, typer.Option(help="The asset, as the run's plan names it.")],
    scenario: Annotated[str, typer.Option(help="The scenario, as its set names it.")],
    client: Client = None,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Solve a scenario again from the run's stored inputs, and compare with what was stored.

    Nothing is written. Ends with exit code 0 when the same was found again, and with 1 when not:
    another solver, or stored content that was changed. An outcome that has expired is compared by
    the digest that its event keeps.

    Example: hydrobid replay nordic~2026-03-29~r1 --asset shop-standard --scenario s01
    """
    run_id, asset_id, scenario_id = RunId.parse(run), AssetId(asset), ScenarioId(scenario)
    console, state = connect(data_folder(data_dir))
    owner = owner_of(console, state, run_id, client)
    found = console.replay(owner, run_id, asset_id, scenario_id)
    if as_json:
        print_json({**found.to_document(), "equal": found.equal})
    else:
        _print(found)
    if not found.equal:
        raise typer.Exit(ExitCode.FAILED)


def _print(found: Replay) -> None:
    subject = f"{found.asset} {found.scenario} of {found.run}"
    if found.expired is not None:
        gone = "outcome" if found.stored is None else "schedule"
        say(f"{subject}: its {gone} has expired, it was kept until {utc_text(found.expired)}.")
    if found.equal:
        by = "" if found.stored is not None else ", by the digest that its event keeps"
        say(f"{subject}: the same was found again{by}.", "green")
    elif found.altered:
        say(f"{subject}: what is stored is not the outcome that its event tells of.", "bold red")
    elif found.stored is None and found.expired is None:
        say(f"{subject} has no outcome to compare with.", "yellow")
    else:
        say(f"{subject}: something else was found.", "bold red")
    table = new_table("", "state", "termination", "digest")
    for name, solved in (("stored", found.stored), ("replayed", found.replayed)):
        if solved is not None:
            table.add_row(name, *_cells(solved))
    out.print(table)
    if found.differences:
        out.print(_differences(found))


def _cells(solved: Solved) -> tuple[Text, ...]:
    return Text(solved.state), Text(solved.termination), Text(solved.digest)


def _differences(found: Replay) -> object:
    table = new_table("field", ">stored", ">replayed")
    for difference in found.differences[:MOST_SHOWN]:
        values = (difference.field, difference.stored, difference.replayed)
        table.add_row(*(Text(str(value)) for value in values))
    rest = len(found.differences) - MOST_SHOWN
    if rest > 0:
        table.add_row(Text(f"and {rest} more; --json has them all", style="dim"))
    return table
