"""Errors that cross from one process to another stay what they are."""

from __future__ import annotations

import pickle

import pytest

from hydrobid.domain.errors import GateClosed, InvalidInput, Problem


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput([Problem("file", "field", 1, "2"), Problem("file", "other", None, "text")]),
        GateClosed("too late", gate="12:00"),
    ],
)
def test_error__through_a_process_and_back(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert back.as_document() == error.as_document()
    assert getattr(back, "problems", ()) == getattr(error, "problems", ())
