"""A folder whose files are taken as they come, as those of a client's bucket are.

A file counts as published when it was written. Where market time has been moved, all files have moved
with it, so that their order stays: whoever starts again, on a folder whose files were taken, ends with
the same series.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hydrobid.domain.errors import FileGone, InvalidInput, PermanentError
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.messages import FileArrived
from hydrobid.pipeline.ports import Clock, Documents, Messages
from hydrobid.pipeline.push_series import Pushed
from hydrobid.pipeline.take_file import take_file
from hydrobid.schema.tables import MAX_BYTES

SUFFIXES = {".csv", ".json", ".parquet"}
STILL = timedelta(seconds=1)
"""How long a file has to lie unchanged: whoever writes may not have ended."""


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder; a version is the nanosecond at which one was written."""

    folder: Path

    def read(self, name: str, version: str) -> bytes:
        """Return a file as it was written then."""
        path = self.folder / name
        try:
            before = path.stat()
            if before.st_size > MAX_BYTES:
                raise InvalidInput.of(name, "size", before.st_size, f"at most {MAX_BYTES} bytes")
            content = path.read_bytes()
            written = {before.st_mtime_ns, path.stat().st_mtime_ns}
        except OSError as error:
            raise FileGone(f"{name} cannot be read: {error.strerror}", name=name) from error
        if written != {int(version)}:
            raise FileGone(f"{name} was written again", name=name)
        return content


@dataclass(frozen=True)
class Taken:
    """What came of a file: pushed, refused with an error, or neither where it was replaced."""

    name: str
    pushed: Pushed | None = None
    error: PermanentError | None = None


@dataclass
class Watcher:
    """Takes what is new in a folder at each look."""

    client: ClientId
    documents: Documents
    clock: Clock
    messages: Messages
    folder: Path
    _seen: dict[str, int] = field(default_factory=dict)

    def look(self) -> list[Taken]:
        """Take each file that is new or was written again, in the order in which they were written.

        Raises:
            RetryableError: the cloud does not answer; the next look goes on with the same file.
        """
        found = sorted(self._unseen(), key=lambda named: (named[1], named[0]))
        return [self._take(name, written) for name, written in found]

    def _unseen(self) -> list[tuple[str, int]]:
        still = datetime.now(UTC) - STILL
        files = []
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            written = path.stat().st_mtime_ns
            if self._seen.get(name) != written and _instant(written) <= still:
                files.append((name, written))
        return files

    def _take(self, name: str, written: int) -> Taken:
        ahead = self.clock.now() - self.clock.real_now()
        message = FileArrived(
            client=self.client,
            name=name,
            version=str(written),
            published=_instant(written) + ahead,
        )
        ports = (self.documents, self.clock, self.messages)
        try:
            files = FolderFiles(self.folder)
            taken = Taken(name, take_file(*ports, files, message, by="folder"))
        except PermanentError as error:
            taken = Taken(name, error=error)
        self._seen[name] = written
        return taken


def _instant(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1000 / 1e6, UTC)
