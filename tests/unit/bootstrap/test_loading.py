"""The collector rests while a function is loaded, and is left as it was."""

from __future__ import annotations

import gc
import importlib

import pytest

from hydrobid.bootstrap.loading import loading


def test_loading__collects_nothing_within_and_again_afterwards() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_loading__an_import_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), loading():
        importlib.import_module("hydrobid.nowhere")
    assert gc.isenabled()


def test_loading__a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
