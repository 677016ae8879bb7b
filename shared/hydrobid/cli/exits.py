"""What the command's exit codes mean, and which error ends in which."""

from __future__ import annotations

from enum import IntEnum

from hydrobid.domain.errors import (
    GateClosed,
    HydrobidError,
    InvalidInput,
    NotFound,
    ServiceUnavailable,
)
from hydrobid.domain.states import RunState
from hydrobid.local_cloud.errors import LocalCloudDown


class ExitCode(IntEnum):
    """0 to 6; a script may rely on them."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    NOT_UP = 3
    NOT_ALL_SUBMITTED = 4
    NOT_CONFIRMED = 5
    NOT_PUBLISHED = 6


def exit_code_of(error: HydrobidError) -> ExitCode:
    """Return the code that a command ends with after `error`."""
    if isinstance(error, InvalidInput | GateClosed | NotFound):
        return ExitCode.BAD_INPUT
    if isinstance(error, LocalCloudDown | ServiceUnavailable):
        return ExitCode.NOT_UP
    return ExitCode.FAILED


def exit_code_of_run(state: RunState) -> ExitCode:
    """Return the code that following a run ends with when the run has come to `state`."""
    return ExitCode.OK if state is RunState.SUBMITTED else ExitCode.NOT_ALL_SUBMITTED
