"""The commands that README and docs show: each is one that there is, with options that it takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from examples import ROOT

from hydrobid.cli.main import app

PAGES = [ROOT / "README.md", ROOT / "terraform" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
HYDROBID = ".venv/bin/hydrobid"
BLOCK = re.compile(r"^ *```(?:bash)?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def shown(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command in a page's blocks."""
    for block in BLOCK.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            _, found, rest = line.strip().partition(HYDROBID)
            if found:
                yield shlex.split(rest, comments=True)


def fault_of(words: list[str]) -> str | None:
    """Return what the command line says against a command, None where it takes it; do nothing."""
    command, name, rest, context = typer.main.get_command(app), "hydrobid", list(words), None
    try:
        while True:
            context = command.make_context(name, rest, parent=context)
            if not isinstance(command, typer.core.TyperGroup):
                return None
            left = [*context._protected_args, *context.args]
            if not left and command.invoke_without_command:
                return None
            name, command, rest = command.resolve_command(context, left)
    except typer.Exit:
        return None  # --help and its like
    except Exception as fault:
        return fault.format_message()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands__that_a_page_shows_are_parsed(page: Path) -> None:
    faults = {shlex.join(words): fault_of(words) for words in shown(page)}
    assert {words: fault for words, fault in faults.items() if fault} == {}


@pytest.mark.parametrize(
    "words", [["frob"], ["run", "x", "--nope"], ["client", "apply"], ["client", "apply", "x", "y"]]
)
def test_commands__that_there_are_not_would_be_told(words: list[str]) -> None:
    assert fault_of(words)


def test_commands__are_shown_at_all() -> None:
    assert sum(1 for page in PAGES for _ in shown(page)) > 40


def test_make__targets_that_pages_name_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        named = set(re.findall(r"`make (\w+)|^ *make (\w+)", text, re.MULTILINE))
        assert {one or other for one, other in named} <= targets, page.name
