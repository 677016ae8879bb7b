"""A file that was put into the client's bucket: taken, or refused so that people are told.

Its first folder says what its series are, and a second one which scenario set scenarios are for:
`levels/morning.csv`, `prices/day-ahead/2026-11-25.parquet`.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Protocol

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import FileGone, InvalidInput, PermanentError
from hydrobid.domain.messages import FileArrived
from hydrobid.domain.series import SeriesKind
from hydrobid.pipeline.alerts import raise_alert, resolve_alerts
from hydrobid.pipeline.ports import Clock, Documents, Messages
from hydrobid.pipeline.push_series import Pushed, PushedFile, push_series
from hydrobid.schema.price_files import SourceFile

DEEPEST = 3


class Files(Protocol):
    """The client's bucket."""

    def read(self, name: str, version: str) -> bytes:
        """Return a version of a file.

        Raises:
            FileGone: it is not there any more. InvalidInput: it is far too large. ServiceUnavailable.
        """
        ...


def take_file(
    documents: Documents,
    clock: Clock,
    messages: Messages,
    files: Files,
    message: FileArrived,
    by: str = "bucket",
) -> Pushed | None:
    """Push the series of a file; None where a newer file of that name has taken its place.

    by: what brought it.

    Raises:
        PermanentError: the file is refused; people are told. RetryableError: to be redelivered.
    """
    cause = Cause(message.client, AlertCode.INPUT_FILE_REFUSED, message.name)
    try:
        kind, scenario_set = named(message.name)
        content = files.read(message.name, message.version)
        pushed = PushedFile(
            kind,
            SourceFile(PurePosixPath(message.name).name, content),
            by=by,
            published=message.published,
            scenario_set=scenario_set,
        )
        done = push_series(documents, clock, messages, pushed)
    except FileGone:
        return None
    except PermanentError as error:
        words = f"{message.name} is refused: {error.message}"
        raise_alert(documents, clock, cause, words, {"error": error.as_document()})
        raise
    resolve_alerts(documents, clock, [cause])
    return done


def named(name: str) -> tuple[SeriesKind, str | None]:
    """Return what a file's name says: the kind of its series, and the scenario set.

    Raises:
        InvalidInput: it says no kind.
    """
    parts = PurePosixPath(name).parts
    if not 2 <= len(parts) <= DEEPEST or parts[0] not in list(SeriesKind):
        kinds = ", ".join(SeriesKind)
        expected = f"a folder that says what is in it, one of {kinds}, and a file: prices/nov.csv"
        raise InvalidInput.of("bucket", "name", name, expected)
    return SeriesKind(parts[0]), parts[1] if len(parts) == DEEPEST else None
