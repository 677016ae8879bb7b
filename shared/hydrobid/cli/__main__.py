"""`python -m hydrobid.cli`: the command, where only the interpreter is known."""

from __future__ import annotations

from hydrobid.cli.main import app

app()
