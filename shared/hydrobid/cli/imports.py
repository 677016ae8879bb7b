"""Where an import reads from and writes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydrobid.cli.clients import read_bytes
from hydrobid.cli.text_files import written
from hydrobid.domain.errors import InvalidInput
from hydrobid.schema import read_client
from hydrobid.schema.legacy.resync import is_resync
from hydrobid.schema.legacy.resync_import import imported_resync
from hydrobid.schema.legacy.shop_import import ImportChoices, imported_shop_case
from hydrobid.schema.price_files import SourceFile

if TYPE_CHECKING:
    from hydrobid.schema.legacy.imported import ImportedClient

LARGEST_FOLDER = 2000


def imported(
    source: Path, choices: ImportChoices, bid_configuration: str | None, shop_models: Sequence[str]
) -> ImportedClient:
    """Return the client of a SHOP case, a file, or of a resync configuration, a folder.

    shop_models: `NAME=FILE`, or `FILE` for the only one. The client is read as any is before it is
    returned: what cannot be bid is refused here.
    """
    if source.is_dir():
        files = _files(source)
        if not is_resync(files):
            expected = "a folder with a bid_configuration_day_ahead.yaml in it"
            raise InvalidInput.of("command line", "SOURCE", str(source), expected)
        cases = dict(_named(stated) for stated in shop_models)
        found = imported_resync(files, cases, bid_configuration, choices)
    else:
        found = imported_shop_case(source_file(source), choices)
    read_client(found.files, found.client)
    return found


def source_file(path: Path) -> SourceFile:
    """Return a file with its content; raise InvalidInput where it cannot be read."""
    return SourceFile(path.name, read_bytes(path))


def write_client(client: ImportedClient, clients_dir: Path) -> Path:
    """Write a client's folder, which must not be there yet, and return it."""
    folder = clients_dir / client.client
    if folder.exists():
        expected = "a client that is not there yet; --client gives it another id"
        raise InvalidInput.of("command line", "--out", str(folder), expected)
    for name, content in client.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written(path, content.decode())
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*.yaml")) if path.is_file()]
    if len(paths) > LARGEST_FOLDER:
        expected = f"a folder with at most {LARGEST_FOLDER} files"
        raise InvalidInput.of("command line", "SOURCE", str(folder), expected)
    return {path.relative_to(folder).as_posix(): read_bytes(path) for path in paths}


def _named(stated: str) -> tuple[str, SourceFile]:
    name, _, path = stated.rpartition("=")
    return name, source_file(Path(path))
