"""What following a run can end with."""

from __future__ import annotations

from hydrobid.domain.errors import PermanentError


class RunFailed(PermanentError):
    """The workflow's execution ended without a result."""

    code = "RUN_FAILED"


class MissingPackage(PermanentError):
    """A package that was asked for is not installed; the message says which extra has it."""

    code = "MISSING_PACKAGE"
