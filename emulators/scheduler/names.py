"""Resource names: `projects/P/locations/L` and `projects/P/locations/L/jobs/J`."""

from __future__ import annotations

import re
from typing import Final

from emulators.workflows.api_errors import invalid

_PARENT: Final = re.compile(r"projects/[A-Za-z0-9:.-]+/locations/[A-Za-z0-9-]+")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")


def check_parent(name: str) -> str:
    """Return a location's name, or refuse it with INVALID_ARGUMENT."""
    if not _PARENT.fullmatch(name):
        raise invalid(f"Location name {name!r}: want projects/PROJECT_ID/locations/LOCATION_ID.")
    return name


def check_job(name: str) -> str:
    """Return a job's name, or refuse it with INVALID_ARGUMENT."""
    parent, separator, job = name.rpartition("/jobs/")
    if not separator or not _PARENT.fullmatch(parent) or not _ID.fullmatch(job):
        raise invalid(
            f"Job name {name!r}: want projects/PROJECT_ID/locations/LOCATION_ID/jobs/JOB_ID, the"
            " last of letters, numbers, hyphens and underscores, at most 500."
        )
    return name


def project_of(name: str) -> str:
    """Return the project of a resource whose name has been checked."""
    return name.split("/")[1]


def id_of(name: str) -> str:
    """Return the last segment of a resource's name."""
    return name.rpartition("/")[2]
