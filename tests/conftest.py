"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import pytest
from examples import CASCADE, CLIENTS, SINTEF, files_of, published

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.schema import ClientInputs, read_client


@pytest.fixture(scope="session")
def sintef_inputs() -> ClientInputs:
    return read_client(files_of(CLIENTS / SINTEF), SINTEF)


@pytest.fixture(scope="session")
def cascade_inputs() -> ClientInputs:
    return read_client(files_of(CLIENTS / CASCADE), CASCADE)


@pytest.fixture
def sintef(sintef_inputs: ClientInputs) -> InProcessPipeline:
    """The SINTEF example in one process, its inputs published, at half past ten."""
    return published(sintef_inputs)


@pytest.fixture
def cascade(cascade_inputs: ClientInputs) -> InProcessPipeline:
    """The cascade example in one process, its inputs published, at half past ten."""
    return published(cascade_inputs)
