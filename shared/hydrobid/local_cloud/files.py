"""Files that are whole or not there, and a lock that ends with its holder."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydrobid.domain.errors import Contended

LOCK_SECONDS = 120.0
LOCK_POLL_SECONDS = 0.05


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by rename, so that a reader sees the old content or the new; mode 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def exclusive(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock on `path`; wait up to `seconds` for whoever holds it.

    Raises:
        Contended: another process held it all that time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Contended(
                        f"another hydrobid is at work in {path.parent}", path=str(path)
                    ) from None
                time.sleep(LOCK_POLL_SECONDS)
        yield
