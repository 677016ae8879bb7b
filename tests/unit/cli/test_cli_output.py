"""What is printed is text, whoever wrote it: it moves, colours and hides nothing on a screen."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.markup import render
from rich.progress import Progress
from rich.text import Text

from hydrobid.cli import output
from hydrobid.cli.output import Screen, print_json
from hydrobid.cli.render import new_table
from hydrobid.domain.holds import Act, Hold, HoldKind

HOSTILE = [
    "\x1b[2J\x1b[Hall orders STANDING\x1b]0;x\x07",
    "\x9b2J all gone",
    "withdrawn\rSTANDING ",
    "\u202eGNIDNATS\u202c",
    "half \ud83d of one",
    "bell\x07 and back\x08",
]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def screen() -> tuple[Screen, io.StringIO]:
    written = io.StringIO()
    return Screen(file=written, force_terminal=True, width=120, soft_wrap=True), written


@pytest.mark.parametrize("words", HOSTILE)
def test_screen__text_from_outside_is_nothing_but_text(words: str):
    shown, written = screen()
    table = new_table("one", "two")
    table.add_row(Text(words, "bold red"), Text("beside"))
    for content in (Text(words, "bold red"), table, words):
        shown.print(content)

    told = COLOUR.sub("", written.getvalue())
    told.encode()
    assert "beside" in told
    assert all(letter.isprintable() for letter in told if letter != "\n")


def test_screen__our_own_colours_lines_and_progress_are_left():
    shown, written = screen()
    shown.print(render("[bold red]held[/]\nsecond line"))
    assert written.getvalue() == "\x1b[1;31mheld\x1b[0m\nsecond line\n"

    with Progress(console=shown) as progress:
        progress.add_task("work", total=1)
    assert "\x1b[?25l" in written.getvalue()  # the cursor is hidden while it is drawn


@pytest.mark.parametrize("words", HOSTILE)
def test_print_json__is_the_same_content_and_nothing_that_a_screen_obeys(monkeypatch, words: str):
    shown, written = screen()
    monkeypatch.setattr(output, "out", shown)

    print_json({"reason": words, words: ["høyde 😀"]})

    told = written.getvalue()
    told.encode()
    assert all(letter.isprintable() for letter in told if letter != "\n")
    assert json.loads(told) == {"reason": words, words: ["høyde 😀"]}
    assert "høyde 😀" in told


def test_hold__with_words_of_an_older_release__can_still_be_read():
    stored = Hold(kind=HoldKind.LOCKED, at="2026-11-24T10:00:00Z", by="anna", reason="a\nb")
    assert Hold.from_document(stored.to_document()) == stored
    assert Act(by="anna", reason="a\nb").reason == "a\nb"
