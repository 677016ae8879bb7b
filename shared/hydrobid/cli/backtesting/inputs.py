"""What `backtest` is asked to do, read from the command line and from files, checked before a solve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hydrobid.bidding.backtest.archive import Archive
from hydrobid.bidding.backtest.entrant import Entrant, entrants
from hydrobid.bidding.backtest.outlook import FEWEST_ERRORS
from hydrobid.bidding.backtest.settings import BacktestSettings
from hydrobid.bidding.scenarios.history import ForecastSeries
from hydrobid.cli.clients import inputs_in, read_bytes
from hydrobid.domain.configuration import (
    COMMITMENT_SOLVER,
    AssetConfiguration,
    ClientConfiguration,
)
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.market import Market
from hydrobid.domain.time import local_instant
from hydrobid.schema import ClientInputs, configuration_of
from hydrobid.schema.checking import checked
from hydrobid.schema.daily_series import DailySeries, read_daily_series
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class SeriesFile:
    """A file that an option names, and the column that is read of it."""

    option: str
    path: Path
    column: str


@dataclass(frozen=True)
class Request:
    """The command line's texts and numbers, unchecked. folder: of the client.

    market: of shipped rules that stand in for the client's. commitment: as the asset's solver has it
    where it is None.
    """

    folder: Path
    asset: str | None
    market: str | None
    commitment: bool | None
    prices: SeriesFile
    forecast: SeriesFile
    timezone: str | None
    published_at: str
    first: str
    last: str
    methods: str
    scenarios: str
    generator: str
    seed: int
    imbalance_share: float
    imbalance_margin: float


@dataclass(frozen=True)
class BacktestInputs:
    """What is backtested.

    clock_days: by the option that names a file, the tested days whose clock change it does not
    show. inflow_scenarios: whether the daily bid has scenarios of inflow for the asset, which no day
    here has. assumed_publication: the local time of forecasts that do not say when they were published,
    None where all of them do.
    """

    configuration: ClientConfiguration
    asset: AssetConfiguration
    archive: Archive
    settings: BacktestSettings
    entrants: tuple[Entrant, ...]
    clock_days: Mapping[str, tuple[date, ...]]
    inflow_scenarios: bool
    assumed_publication: time | None


def read_request(request: Request) -> BacktestInputs:
    """Return what is asked for; raise InvalidInput where a day cannot be bid or settled."""
    tested = tuple(entrants(_listed(request.methods), _counts(request.scenarios)))
    client = inputs_in(request.folder)
    configuration = configuration_of(client.configuration)
    asset = _asset(configuration, request.asset)
    settings = _settings(request, asset)
    market = _market(request.market, asset) or configuration.market
    zone = market.zone if request.timezone is None else _zone(request.timezone)
    prices = _read(request.prices, market, zone, published=False)
    forecasts = _read(request.forecast, market, zone, published=True)
    published_at = _time_of_day(request.published_at)
    stated = all(issue.published for issues in forecasts.issues.values() for issue in issues)
    known = ForecastSeries(_published(forecasts, published_at, market), prices)
    archive = Archive(market, configuration.stages.daily_run, known)
    files = {request.prices: prices, request.forecast: forecasts}
    _check_whole(files, settings, market)
    _check_known(archive, request.forecast.path.name, settings, tested)
    days = set(settings.days())
    return BacktestInputs(
        configuration=configuration.model_copy(update={"market": market}),
        asset=asset,
        archive=archive,
        settings=settings,
        entrants=tested,
        inflow_scenarios=_has_inflow_scenarios(client, asset),
        clock_days={f.option: tuple(sorted(s.clock_days & days)) for f, s in files.items()},
        assumed_publication=None if stated else published_at,
    )


def _has_inflow_scenarios(client: ClientInputs, asset: AssetConfiguration) -> bool:
    inflows = client.scenario_sets[asset.scenario_set].get("inflows", {"series": {}})
    return any(reservoir.name in inflows["series"] for reservoir in asset.watercourse.reservoirs)


def _market(name: str | None, asset: AssetConfiguration) -> Market | None:
    """Return the shipped rules of a name, None where none is named."""
    if name is None:
        return None
    findings = Findings()
    market = findings.settled(market_of(name, Place(findings, COMMAND_LINE, "--market")))
    if asset.price_area not in market.price_areas:
        expected = f"rules of a market that has the asset's price area, {asset.price_area}"
        raise InvalidInput.of(COMMAND_LINE, "--market", name, expected)
    return market


def _settings(request: Request, asset: AssetConfiguration) -> BacktestSettings:
    findings = Findings()
    given, stated = request.commitment, asset.solver == COMMITMENT_SOLVER
    fields = {
        "first": request.first,
        "last": request.last,
        "commitment": stated if given is None else given,
        "generator": request.generator,
        "seed": request.seed,
        "imbalance": {"share": request.imbalance_share, "margin": request.imbalance_margin},
    }
    settings = findings.settled(checked(BacktestSettings, fields, Place(findings, COMMAND_LINE)))
    if settings.last < settings.first:
        expected = f"{settings.first} or later, as --from"
        raise InvalidInput.of(COMMAND_LINE, "--to", request.last, expected)
    return settings


def _published(series: DailySeries, published_at: time, market: Market) -> DailySeries:
    """Return forecasts of which each has an instant from which it was known."""

    def known_from(day: date, stated: datetime | None) -> datetime:
        return stated or local_instant(day - timedelta(days=1), published_at, market.zone)

    issues = {
        day: tuple(replace(issue, published=known_from(day, issue.published)) for issue in several)
        for day, several in series.issues.items()
    }
    return replace(series, issues=issues)


def _check_whole(
    files: Mapping[SeriesFile, DailySeries], settings: BacktestSettings, market: Market
) -> None:
    """Refuse days that a file has not, or not whole."""
    whole = f"each hour, half-hour or quarter-hour of the day in {market.time_zone}"
    problems = [
        Problem(file.path.name, str(day), series.incomplete.get(day, "0 values"), whole)
        for file, series in files.items()
        for day in settings.days()
        if day not in series.issues
    ]
    if problems:
        raise InvalidInput(problems)


def _check_known(
    archive: Archive, name: str, settings: BacktestSettings, tested: tuple[Entrant, ...]
) -> None:
    """Refuse days that nobody could have bid: no forecast in time, or no past to learn from."""
    problems = list(_late_forecasts(archive, name, settings))
    if not problems and any(entrant.on_scenarios for entrant in tested):
        errors = len(archive.known(settings.first, settings.history_days).days)
        if errors < FEWEST_ERRORS:
            expected = f"{FEWEST_ERRORS} or more earlier days with price and forecast"
            value = f"{errors} days before {settings.first}"
            problems = [Problem(name, "past errors", value, expected)]
    if problems:
        raise InvalidInput(problems)


def _late_forecasts(archive: Archive, name: str, settings: BacktestSettings) -> Iterator[Problem]:
    for day in settings.days():
        at = archive.bid_instant(day)
        first = min(i.published for i in archive.prices.forecast.issues[day] if i.published)
        if first > at:
            zone = archive.market.zone
            value = f"published {first.astimezone(zone):%Y-%m-%d %H:%M}"
            expected = f"published by {at.astimezone(zone):%Y-%m-%d %H:%M}, when the day is bid"
            yield Problem(name, str(day), value, expected)


def _read(file: SeriesFile, market: Market, zone: ZoneInfo, *, published: bool) -> DailySeries:
    content = read_bytes(file.path)
    return read_daily_series(
        content, file.path.name, file.column, market, zone, published=published
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        expected = "a time zone of the IANA database, as Europe/Oslo"
        raise InvalidInput.of(COMMAND_LINE, "--timezone", name, expected) from error


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        expected = "a local time, as 08:00"
        raise InvalidInput.of(COMMAND_LINE, "--published-at", text, expected) from error


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _counts(text: str) -> list[int]:
    parts = _listed(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise InvalidInput.of(COMMAND_LINE, "--scenarios", text, "whole numbers, as 20,80")
    return [int(part) for part in parts]


def _asset(configuration: ClientConfiguration, name: str | None) -> AssetConfiguration:
    assets = {str(asset.asset): asset for asset in configuration.assets}
    if name is None and len(assets) == 1:
        return configuration.assets[0]
    if name not in assets:
        raise InvalidInput.of(COMMAND_LINE, "--asset", name, f"one of {', '.join(assets)}")
    return assets[name]
