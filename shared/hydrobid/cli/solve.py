"""`solve`: the best schedule of one model, without any cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hydrobid.cli.clients import read_bytes
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import Json, parse_day
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.text_files import written
from hydrobid.domain.errors import InvalidInput

if TYPE_CHECKING:
    from hydrobid.hydro.optimise import Optimised
    from hydrobid.hydro.schedule import Schedule
    from hydrobid.schema.models import Model
    from hydrobid.schema.price_files import SourceFile


def solve(
    model: Annotated[
        Path, typer.Argument(help="A watercourse in YAML, or a SHOP case, recognised by itself.")
    ],
    prices: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet: time and price, or scenarios as a client has them. Not needed "
            "where a SHOP case brings its own.",
            show_default=False,
        ),
    ] = None,
    inflows: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet: time, and a column of m3/s named as each reservoir.",
            show_default=False,
        ),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="Which scenario of --prices, if there are several.")
    ] = None,
    price_area: Annotated[
        str | None, typer.Option(help="Which price area of --prices, if there are several.")
    ] = None,
    date_: Annotated[
        str | None,
        typer.Option(
            "--date", help="Which delivery day of --prices with scenarios.", show_default=False
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder for units.csv, reservoirs.csv and gates.csv."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Draw the schedule: an HTML file.")
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option(
            help="Another solver than ours, as HYDROBID_EXTERNAL_SOLVERS names it.",
            show_default=False,
        ),
    ] = None,
    solver_seconds: Annotated[
        float, typer.Option(min=1, help="How long --solver may take before it is ended.")
    ] = 600,
    prove: Annotated[
        bool, typer.Option("--prove", help="Prove how much any schedule could be worth at most.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find the best schedule of a watercourse at given prices; no cloud is needed.

    Times without an offset are UTC. Ends with exit code 1 where there is no schedule.

    Example: hydrobid solve upper-valley.yaml --prices tomorrow.csv --csv out
    """
    # What is needed to read and to solve takes its time to load: other commands do without.
    from hydrobid.schema.models import read_model  # noqa: PLC0415 - see above
    from hydrobid.schema.price_files import PriceChoice  # noqa: PLC0415 - see above

    read = read_model(
        _file(model),
        None if prices is None else _file(prices),
        None if inflows is None else _file(inflows),
        PriceChoice(scenario, price_area, parse_day(date_)),
    )
    if solver is not None and prove:
        raise InvalidInput.of("command line", "--prove", True, "our own solver, so no --solver")
    found = _found(read, solver, solver_seconds, prove=prove)
    _show(read, found, csv, plot, as_json=as_json)


def _found(read: Model, solver: str | None, seconds: float, *, prove: bool) -> Optimised:
    """Return what a solver makes of a model, ours where none is named."""
    from hydrobid.hydro.optimise import Optimised, optimise  # noqa: PLC0415 - see above

    if solver is not None:
        from hydrobid.bootstrap.solvers import solve_with  # noqa: PLC0415 - see above

        return Optimised(*solve_with(solver, read.problem, read.prices, seconds))
    return optimise(read.problem, read.prices, prove=prove)


def _file(path: Path) -> SourceFile:
    from hydrobid.schema.price_files import SourceFile  # noqa: PLC0415 - loaded by now

    return SourceFile(path.name, read_bytes(path))


def _show(
    read: Model,
    found: Optimised,
    csv: Path | None,
    plot: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print what came of a solve and write the files that were asked for."""
    from hydrobid.cli.solution.document import (  # noqa: PLC0415 - loaded by now
        failure_document,
        solution_document,
    )
    from hydrobid.cli.solution.view import solution_view  # noqa: PLC0415 - loaded by now
    from hydrobid.hydro.schedule import SolveFailure  # noqa: PLC0415 - loaded by now

    result, timings = found.result, found.timings
    if isinstance(result, SolveFailure):
        if as_json:
            print_json(failure_document(read.problem, result, timings, read.ignored))
        else:
            say(f"{result.code}: {result.message}", "bold red")
        raise typer.Exit(ExitCode.FAILED)
    written = _written(read, result, csv, plot)
    if as_json:
        print_json(solution_document(read.problem, result, timings, read.ignored, found.unproven))
        return
    out.print(
        solution_view(read.problem, read.prices, result, timings, read.ignored, found.unproven)
    )
    if written:
        say(f"Written: {', '.join(str(path) for path in written)}.")


def _written(read: Model, schedule: Schedule, csv: Path | None, plot: Path | None) -> list[Path]:
    """Write the files that were asked for, and return their paths."""
    from hydrobid.cli.solution.csv_files import csv_files  # noqa: PLC0415 - loaded by now

    files: dict[Path, str] = {}
    if csv is not None:
        tables = csv_files(read.problem, schedule)
        files |= {csv / name: text for name, text in tables.items()}
    if plot is not None:
        # What draws takes a second to import.
        from hydrobid.cli.solution.page import schedule_page  # noqa: PLC0415 - see above

        files[plot] = schedule_page(read.problem, read.prices, schedule)
    try:
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
        return [written(path, text) for path, text in files.items()]
    except OSError as error:
        expected = "a place that can be written"
        raise InvalidInput.of(
            "command line", str(error.filename), error.strerror, expected
        ) from error
