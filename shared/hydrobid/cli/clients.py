"""Clients' folders on disk: who there is, and what each one's inputs are."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.identifiers import ClientId, Identifier, Portfolio
from hydrobid.local_cloud.layout import Home
from hydrobid.local_cloud.settings import LocalCloudSettings
from hydrobid.local_cloud.state import CloudState
from hydrobid.schema import ClientInputs, configuration_of, scenario_set_for
from hydrobid.schema.domain_model.client import read_operator_client
from hydrobid.schema.yaml_document import read_yaml

CLIENT_FILE = "client.yaml"
READ_SUFFIXES = {".yaml", ".yml", ".csv", ".json", ".parquet", ".xlsx"}
LARGEST_FILE = 200_000_000


def clients_dir_of(given: Path | None, state: CloudState | None) -> Path:
    """Return the folder of clients: the given one, the local cloud's, or the checkout's examples."""
    if given is not None:
        return given.absolute()
    if state is not None:
        return state.clients_dir
    return Home.find(LocalCloudSettings.from_environment().home).clients


def client_folders(clients_dir: Path) -> dict[ClientId, Path]:
    """Return each client's folder, sorted; the folder's name is the client's id.

    Raises:
        InvalidInput: the folder is not there, holds no client, or a name that can be no id.
    """
    expected = f"a folder with a sub-folder for each client, {CLIENT_FILE} in it"
    if not clients_dir.is_dir():
        raise InvalidInput.of("command line", "--clients-dir", str(clients_dir), expected)
    folders = sorted(path.parent for path in clients_dir.glob(f"*/{CLIENT_FILE}"))
    if not folders:
        raise InvalidInput.of("command line", "--clients-dir", str(clients_dir), expected)
    return {ClientId(folder.name): folder for folder in folders}


def bidding_folders(clients_dir: Path) -> dict[ClientId, Path]:
    """Return the folders of the clients that bid: those whose file does not say `bids: false`.

    Raises:
        InvalidInput: as `client_folders`.
    """
    return {
        client: folder for client, folder in client_folders(clients_dir).items() if bids(folder)
    }


def bids(folder: Path) -> bool:
    """Return whether a folder's client bids, and is not one for backtests only."""
    return _stated(folder, "bids") is not False


def client_folder(clients_dir: Path, client: str, *, bidding: bool = True) -> Path:
    """Return one client's folder; raise InvalidInput naming those that there are.

    bidding: whether only clients that bid are meant.
    """
    folders = bidding_folders(clients_dir) if bidding else client_folders(clients_dir)
    for known, folder in folders.items():
        if known == client:
            return folder
    raise InvalidInput.of("command line", "CLIENT", client, f"one of {', '.join(folders)}")


def portfolio_of(folder: Path) -> Portfolio:
    """Return the portfolio that a client's file names, without checking the rest of it."""
    value = _stated(folder, "portfolio")
    if not isinstance(value, str) or not Portfolio.pattern.fullmatch(value):
        raise InvalidInput.of(f"{folder.name}/{CLIENT_FILE}", "portfolio", value, Portfolio.rule)
    return Portfolio(value)


def _stated(folder: Path, field: str) -> Any:
    """Return what a client's file states in one field, None where it states nothing."""
    content = read_yaml((folder / CLIENT_FILE).read_bytes(), f"{folder.name}/{CLIENT_FILE}")
    return content.get(field) if isinstance(content, dict) else None


def inputs_in(folder: Path, day: date | None = None, now: datetime | None = None) -> ClientInputs:
    """Return a client's inputs; raise InvalidInput with everything that is wrong with them.

    day, now: of an operator's own time series, as `read_operator_client`.
    """
    inputs = read_operator_client(files_in(folder), folder.name, day, now)
    named = configuration_of(inputs.configuration).client
    if named != folder.name:
        raise InvalidInput.of(
            f"{folder.name}/{CLIENT_FILE}", "client", named, f"its folder's name, {folder.name}"
        )
    return inputs


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files of a client's folder that may be read, by name within it."""
    return {
        path.relative_to(folder).as_posix(): read_bytes(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in READ_SUFFIXES
    }


def read_bytes(path: Path) -> bytes:
    """Return a file's content; raise InvalidInput where it cannot be read or is far too large."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InvalidInput.of(path.name, "size", size, f"at most {LARGEST_FILE} bytes")
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput.of(
            str(path), "file", error.strerror, "a file that can be read"
        ) from error


def check_day(inputs: ClientInputs, configuration: ClientConfiguration, day: date) -> None:
    """Return when every scenario set holds the day's prices; raise InvalidInput otherwise."""
    problems: list[Problem] = []
    for name in sorted({asset.scenario_set for asset in configuration.assets}):
        areas = [a.price_area for a in configuration.assets if a.scenario_set == name]
        try:
            scenario_set_for(inputs.scenario_sets[name], configuration.market, day, areas)
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidInput(problems)


def scenario_set_named(inputs: ClientInputs, given: str | None) -> Identifier:
    """Return the scenario set that `--prices` replaces: the given one, or the only one."""
    names = sorted(inputs.scenario_sets)
    if given is None and len(names) == 1:
        return Identifier(names[0])
    if given not in names:
        expected = f"one of {', '.join(names)}"
        raise InvalidInput.of("command line", "--scenario-set", given, expected)
    return Identifier(given)
