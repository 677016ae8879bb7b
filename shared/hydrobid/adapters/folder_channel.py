"""A folder that an endpoint of the operators' network shares: files that are put there go out, others come in.

`outbox` is emptied and `inbox` filled by the endpoint. A file appears whole: it is written beside and moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hydrobid.domain.errors import ServiceUnavailable

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes of a file that is read; a day's allocation is a few kilobytes."""


class FolderChannel:
    """The two ways of an endpoint's folder, and where read files are kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._out, self._in = root / "outbox", root / "inbox"
        self._drafts, self._taken = root / "drafts", root / "taken"

    def hand_over(self, name: str, content: bytes) -> None:
        """Put a file into the outbox, in the place of one of the same name.

        Raises:
            ServiceUnavailable: it cannot be written.
        """
        try:
            for folder in (self._drafts, self._out):
                folder.mkdir(parents=True, exist_ok=True)
            draft = self._drafts / name
            draft.write_bytes(content)
            draft.replace(self._out / name)
        except OSError as error:
            raise ServiceUnavailable(f"the outbox cannot be written: {error.strerror}") from error

    def arrived(self) -> Iterator[tuple[str, bytes]]:
        """Yield the names and contents of the files in the inbox, oldest first.

        Raises:
            ServiceUnavailable: it cannot be read.
        """
        try:
            self._in.mkdir(parents=True, exist_ok=True)
            found = [
                (path.stat().st_mtime_ns, path)
                for path in self._in.iterdir()
                if path.is_file() and not path.name.startswith(".")
            ]
            for _, path in sorted(found):
                if path.stat().st_size <= LARGEST_FILE:
                    yield path.name, path.read_bytes()
        except FileNotFoundError:
            return  # somebody else has taken it meanwhile
        except OSError as error:
            raise ServiceUnavailable(f"the inbox cannot be read: {error.strerror}") from error

    def take(self, name: str) -> None:
        """Move a file out of the inbox, to those that were read; one that is gone is gone."""
        try:
            self._taken.mkdir(parents=True, exist_ok=True)
            (self._in / name).replace(self._taken / name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ServiceUnavailable(f"the inbox cannot be emptied: {error.strerror}") from error
