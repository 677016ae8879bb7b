"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from hydrobid.domain.errors import InvalidInput
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.settings import DEFAULT_DATA_DIR

AS_JSON = "hydrobid.json"


def _note_json(context: typer.Context, value: bool) -> bool:
    """Leave a note for whoever shows an error: it has to be JSON as well."""
    context.meta[AS_JSON] = value
    return value


DataDir = Annotated[
    Path,
    typer.Option(
        envvar="HYDROBID_DATA_DIR", file_okay=False, help="Folder of the local cloud's state."
    ),
]
ClientsDir = Annotated[
    Path | None,
    typer.Option(
        envvar="HYDROBID_CLIENTS_DIR",
        file_okay=False,
        help="Folder with a sub-folder for each client; shared/clients of the checkout if not given.",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", callback=_note_json, help="Print one JSON document on standard output, no more."
    ),
]
DEFAULT = DEFAULT_DATA_DIR


def data_folder(path: Path) -> DataFolder:
    """Return the data folder at a path, which need not exist."""
    return DataFolder(path.absolute())


def parse_day(text: str | None) -> date | None:
    """Return the delivery day that `--date` names; raise InvalidInput."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        expected = "a delivery day, as 2026-03-29"
        raise InvalidInput.of("command line", "--date", text, expected) from None
