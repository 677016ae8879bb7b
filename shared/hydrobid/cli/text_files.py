"""Text files, each written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def written(path: Path, text: str) -> Path:
    """Put `text` in the place of whatever was there, in one step, and return the path."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        draft.chmod(0o644)  # mkstemp makes it the owner's alone
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path
