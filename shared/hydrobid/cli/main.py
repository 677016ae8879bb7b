"""The `hydrobid` command."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from hydrobid.cli import (
    alerts,
    approvals,
    backtest,
    benchmark,
    cloud,
    cloud_clients,
    data,
    dead_letters,
    demo,
    desk_tokens,
    diagnose,
    dry_run,
    emulators,
    holds,
    listing,
    logs,
    model,
    overriding,
    replay,
    results,
    run,
    scenarios,
    show,
    solve,
)
from hydrobid.cli.exits import exit_code_of
from hydrobid.cli.options import AS_JSON
from hydrobid.cli.output import show_error
from hydrobid.domain.errors import HydrobidError


class _Commands(TyperGroup):
    """The commands; an error of ours ends any of them with its message and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HydrobidError as error:
            show_error(error, as_json=bool(ctx.meta.get(AS_JSON)))
            raise typer.Exit(exit_code_of(error)) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Daily bids of hydropower operators, on a local cloud of this machine's own.",
    epilog=(
        "Exit codes: 0 fine, 1 failed, 2 bad input and nothing was solved, 3 the local cloud is "
        "not up, 4 the run ended without all bids submitted, 5 a hold is set or lifted and the exchange "
        "does not show it yet, 6 not all results are published."
    ),
)
app.command()(cloud.up)
app.command()(cloud.down)
app.command()(cloud.status)
app.command()(listing.clients)
app.command()(run.run)
app.command()(show.show)
app.command()(show.events)
app.command()(alerts.alerts)
app.command()(results.results)
app.command()(approvals.pending)
app.command()(approvals.approve)
app.command()(approvals.reject)
app.command()(overriding.override)
app.command("dry-run")(dry_run.dry_run)
app.command("desk-token")(desk_tokens.desk_token)
app.command("withdraw")(holds.withdraw)
app.command("lock")(holds.lock)
app.command("release")(holds.release)
app.command("kill-switch")(holds.kill_switch)
app.command()(diagnose.diagnose)
app.command()(logs.logs)
app.command()(replay.replay)
app.command()(backtest.backtest)
app.command()(benchmark.benchmark)
app.command()(solve.solve)
app.command()(demo.demo)
app.add_typer(data.data_app, name="data")
app.add_typer(model.model_app, name="model")
app.add_typer(cloud_clients.client_app, name="client")
app.add_typer(scenarios.scenarios_app, name="scenarios")
app.add_typer(dead_letters.dead_letters_app, name="dead-letters")
app.add_typer(cloud.clock_app, name="clock")
app.add_typer(emulators.emulators_app, name="emulators")
