"""`backtest`: what bid methods would have earned on past days, against perfect foresight."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hydrobid.cli.clients import client_folder, clients_dir_of
from hydrobid.cli.options import DEFAULT, ClientsDir, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.domain.errors import InvalidInput
from hydrobid.local_cloud.state import load_state

METHODS = (
    "multi_scenario,price_shifts:20,price_shifts:3,price_shifts:2,price_independent,water_value"
)


def backtest(
    client: Annotated[str, typer.Argument(help="The client, as `hydrobid clients` lists it.")],
    prices: Annotated[Path, typer.Option(help="CSV or Parquet file of the prices that came.")],
    forecast: Annotated[Path, typer.Option(help="CSV or Parquet file of what was forecast.")],
    first: Annotated[str, typer.Option("--from", help="First delivery day, as 2017-02-01.")],
    last: Annotated[str, typer.Option("--to", help="Last delivery day.")],
    methods: Annotated[
        str, typer.Option(help="Bid methods, commas between; price_shifts:20 has 20 shifts.")
    ] = METHODS,
    scenarios: Annotated[
        str, typer.Option(help="Numbers of scenarios, for the methods that take scenarios.")
    ] = "20",
    asset: Annotated[
        str | None,
        typer.Option(help="The asset, if the client has several.", show_default=False),
    ] = None,
    market: Annotated[
        str | None,
        typer.Option(
            help="Shipped rules in place of the client's market: nordic-hourly for days before "
            "quarter-hours.",
            show_default=False,
        ),
    ] = None,
    commitment: Annotated[
        bool | None,
        typer.Option(
            "--commitment/--no-commitment",
            help="Units are on or off, with starts that cost; as the asset's solver has it if not given.",
            show_default=False,
        ),
    ] = None,
    price_column: Annotated[str, typer.Option(help="Column of --prices.")] = "price",
    forecast_column: Annotated[str, typer.Option(help="Column of --forecast.")] = "forecast",
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Zone of times without an offset; the market's if not given.", show_default=False
        ),
    ] = None,
    published_at: Annotated[
        str,
        typer.Option(
            help="Local time, the day before delivery, from which a forecast is known that has no "
            "`published` time."
        ),
    ] = "08:00",
    imbalance_share: Annotated[
        float,
        typer.Option(help="Imbalance prices lie this share of the spot price away from it,"),
    ] = 0.2,
    imbalance_margin: Annotated[
        float, typer.Option(help="and so much per MWh in the market's currency.")
    ] = 2.0,
    generator: Annotated[
        str, typer.Option(help="How scenarios are drawn: gaussian_copula or block_bootstrap.")
    ] = "gaussian_copula",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the scenarios.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; one a processor if not given.", show_default=False),
    ] = None,
    html: Annotated[
        bool,
        typer.Option("--html", help="Leave backtest.html, a page of tables and plots, in --out."),
    ] = False,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out", file_okay=False, help="Folder for curves.csv, days.csv and the page."
        ),
    ] = None,
    clients_dir: ClientsDir = None,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Bid past days by several methods, and compare what each would have earned.

    Each method rolls day by day with the water that its own bids have left, and knows nothing that
    was not known when the day was bid. Regret is what perfect foresight would have earned more, as
    a share of what there was to earn.

    Example: hydrobid backtest backtest-example --prices p.csv --forecast f.csv
    --from 2017-02-01 --to 2017-05-31 --scenarios 20,80 --html --out DIR
    """
    # Solver and numerics take a second to import: only a backtest waits for them.
    from hydrobid.cli.backtesting.inputs import (  # noqa: PLC0415 - see above
        Request,
        SeriesFile,
        read_request,
    )
    from hydrobid.cli.backtesting.results import run_backtest  # noqa: PLC0415 - see above

    if html and out_dir is None:
        raise InvalidInput.of("hydrobid backtest", "--out", None, "the folder of --html's page")
    folder = client_folder(
        clients_dir_of(clients_dir, load_state(data_folder(data_dir))), client, bidding=False
    )
    request = Request(
        folder=folder,
        asset=asset,
        market=market,
        commitment=commitment,
        prices=SeriesFile("--prices", prices, price_column),
        forecast=SeriesFile("--forecast", forecast, forecast_column),
        timezone=timezone,
        published_at=published_at,
        first=first,
        last=last,
        methods=methods,
        scenarios=scenarios,
        generator=generator,
        seed=seed,
        imbalance_share=imbalance_share,
        imbalance_margin=imbalance_margin,
    )
    results = run_backtest(read_request(request), workers)
    if out_dir is not None:
        results.write_tables(out_dir)
        if html:
            results.write_page(out_dir / "backtest.html")
    if as_json:
        print_json(results.document())
    else:
        out.print(results.table())
        for line in results.remarks():
            say(line)
