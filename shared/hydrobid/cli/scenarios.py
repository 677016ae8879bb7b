"""`scenarios`: sets of price scenarios, made, made smaller, and held against what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from hydrobid.cli.options import Json, parse_day
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.render import new_table
from hydrobid.domain.errors import InvalidInput

scenarios_app = typer.Typer(no_args_is_help=True, help="Price scenarios: generate, reduce, check.")

MarketName = Annotated[str, typer.Option("--market", help="A shipped market.")]
Timezone = Annotated[
    str | None,
    typer.Option(
        help="Zone of times without an offset; the market's if not given.", show_default=False
    ),
]
Out = Annotated[Path, typer.Option("--out", dir_okay=False, help="CSV, JSON or Parquet to write.")]
File = Annotated[Path, typer.Argument(help="CSV, JSON or Parquet file of scenarios.")]


@scenarios_app.command()
def generate(
    forecast: Annotated[Path, typer.Option(help="CSV or Parquet file of forecasts.")],
    day: Annotated[str, typer.Option("--date", help="The delivery day, as 2018-03-01.")],
    series: Annotated[
        list[str],
        typer.Option(
            help="NAME=FORECAST:ACTUAL, a column of either file; again for each series that is "
            "drawn jointly. A price area's name says prices, any other name inflow."
        ),
    ],
    out_file: Out,
    actual: Annotated[
        Path | None,
        typer.Option(
            help="File of what happened; the file of forecasts if not given.", show_default=False
        ),
    ] = None,
    inflow_out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File for inflow series.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option("--scenarios", min=1, max=10_000, help="How many.")] = 60,
    way: Annotated[
        str, typer.Option(help="gaussian_copula or block_bootstrap.")
    ] = "gaussian_copula",
    history: Annotated[int, typer.Option(min=10, help="Past days to take errors from.")] = 90,
    block: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="MTUs that a bootstrap takes from one past day together; the whole day if not given.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds make equal scenarios.")] = 1,
    market: MarketName = "nordic",
    timezone: Timezone = None,
    as_json: Json = False,
) -> None:
    """Draw scenarios of a day from a point forecast and what earlier forecasts missed.

    Nothing is used that was not known when the day's gate closed. A forecast file may have a
    column `published`.

    Example: hydrobid scenarios generate --forecast forecasts.csv --series NO2=lear:actual
    --date 2018-03-01 --scenarios 60 --out prices.csv
    """
    from hydrobid.cli.scenario_generation import Drawing, generated  # noqa: PLC0415 - numerics

    delivery = parse_day(day)
    if delivery is None:
        raise InvalidInput.of("command line", "--date", day, "a delivery day, as 2018-03-01")
    report = generated(
        Drawing(
            forecast=forecast,
            actual=actual or forecast,
            series=tuple(series),
            day=delivery,
            out=out_file,
            inflow_out=inflow_out,
            count=count,
            way=way,
            history=history,
            block=block,
            seed=seed,
            market=market,
            timezone=timezone,
        )
    )
    if as_json:
        print_json(report)
        return
    say(f"{report['scenarios']} scenarios of {report['date']} in {report['out']}, by {way}.")
    _print({key: report[key] for key in ("series", "mtus", "past_days", "clock_change_days")})


@scenarios_app.command()
def reduce(
    file: File,
    out_file: Out,
    count: Annotated[int, typer.Option("--scenarios", min=1, help="How many to keep.")],
    inflows: Annotated[
        Path | None,
        typer.Option(help="File of the same scenarios' inflows.", show_default=False),
    ] = None,
    inflow_out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File for the kept ones' inflows.", show_default=False),
    ] = None,
    market: MarketName = "nordic",
    as_json: Json = False,
) -> None:
    """Keep the scenarios that stand best for all, and give them the others' probability.

    Example: hydrobid scenarios reduce prices.csv --scenarios 20 --out fewer.csv
    """
    from hydrobid.cli.scenario_sets import Inflows, reduced  # noqa: PLC0415 - numerics

    if (inflows is None) != (inflow_out is None):
        given = "--inflows" if inflow_out is None else "--inflow-out"
        raise InvalidInput.of("command line", given, None, "--inflows and --inflow-out together")
    joint = None if inflows is None or inflow_out is None else Inflows(inflows, inflow_out)
    report = reduced(file, out_file, count, market, joint)
    if as_json:
        print_json(report)
        return
    say(f"{report['kept']} of {report['given']} scenarios in {report['out']}.")
    _print({key: report[key] for key in ("distance", "spread", "probabilities")})


@scenarios_app.command()
def check(
    file: File,
    actual: Annotated[Path, typer.Option(help="CSV or Parquet file of what happened.")],
    area: Annotated[str, typer.Option("--price-area", help="Whose prices it has.")],
    column: Annotated[str, typer.Option("--price-column", help="Column of --actual.")] = "price",
    market: MarketName = "nordic",
    timezone: Timezone = None,
    as_json: Json = False,
) -> None:
    """Hold scenarios against what happened: coverage of their bands, and energy score.

    Every delivery day counts that both files have; a profile serves each day of --actual.

    Example: hydrobid scenarios check prices.csv --actual actual.csv --price-area NO2
    """
    from hydrobid.cli.scenario_sets import checked  # noqa: PLC0415 - numerics

    report = checked(file, actual, area, column, market, timezone)
    if as_json:
        print_json(report)
        return
    say(f"{file.name} against {report['days']} days of {actual.name}:")
    shares = {f"inside the {share} band": hit for share, hit in report["coverage"].items()}
    _print(
        {
            **shares,
            "energy_score": report["energy_score"],
            "error_of_mean": report["error_of_mean"],
            "clock_change_days": report["clock_change_days"],
        }
    )


def _print(values: dict[str, Any]) -> None:
    table = new_table("", "")
    for name, value in values.items():
        table.add_row(Text(name.replace("_", " ")), Text(_shown(value)))
    out.print(table)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
