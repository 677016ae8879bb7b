"""What is printed: results on standard output, errors on standard error, JSON for scripts."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from hydrobid.domain.errors import HydrobidError, InvalidInput

# A file or a pipe has no width: lines there are as long as they need to be.
UNBOUNDED_COLUMNS = 200

out = Console(soft_wrap=True)
if not out.is_terminal:
    out.width = UNBOUNDED_COLUMNS
err = Console(stderr=True, soft_wrap=True)


def print_json(content: Any) -> None:
    """Print one JSON document on standard output."""
    out.file.write(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")


def say(text: str, style: str = "") -> None:
    """Print a line on standard output, word for word."""
    out.print(Text(text, style=style))


def show_error(error: HydrobidError, *, as_json: bool) -> None:
    """Tell what went wrong, each problem of an input on a line of its own."""
    if as_json:
        print_json({"error": error.as_document()})
    err.print(Text(_headline(error), style="bold red"))
    for line in _problems(error):
        err.print(Text(f"  {line}"))


def _headline(error: HydrobidError) -> str:
    count = len(_problems(error))
    if not count:
        return error.message
    return f"{count} {'problem' if count == 1 else 'problems'} in the input; nothing was done"


def _problems(error: HydrobidError) -> list[str]:
    return [str(problem) for problem in error.problems] if isinstance(error, InvalidInput) else []
