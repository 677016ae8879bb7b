"""What can be wrong with a local cloud."""

from __future__ import annotations

from hydrobid.domain.errors import PermanentError, RetryableError


class LocalCloudDown(RetryableError):
    """The local cloud, or a part of it that is needed, does not run."""

    code = "LOCAL_CLOUD_DOWN"


class ProcessFailed(PermanentError):
    """A process that was started ended, or did not get ready; the details hold its last words."""

    code = "PROCESS_FAILED"
