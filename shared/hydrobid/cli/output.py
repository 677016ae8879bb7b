"""What is printed: results on standard output, errors on standard error, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from re import Match
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from hydrobid.domain.errors import HydrobidError, InvalidInput
from hydrobid.domain.plain_text import COMMANDS

# A file or a pipe has no width: lines there are as long as they need to be.
UNBOUNDED_COLUMNS = 200
LAYOUT = "\n\t"


class Screen(Console):
    """A console on which text, whoever wrote it, is nothing but text: it moves and colours nothing."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is written, with a question mark for each character that a screen would obey."""
        for segment in super().render(renderable, options):
            if segment.control or not COMMANDS.search(segment.text):
                yield segment
            else:
                yield Segment(COMMANDS.sub(_shown, segment.text), segment.style)


def _shown(found: Match[str]) -> str:
    return found[0] if found[0] in LAYOUT else "?"


out = Screen(soft_wrap=True)
if not out.is_terminal:
    out.width = UNBOUNDED_COLUMNS
err = Screen(stderr=True, soft_wrap=True)


def print_json(content: Any) -> None:
    """Print one JSON document on standard output, what a screen would obey escaped."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    out.file.write(COMMANDS.sub(_escaped, text) + "\n")


def _escaped(found: Match[str]) -> str:
    return found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}"


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
