"""Starting fast: the messages of Google's client libraries without the clients.

A package such as `google.pubsub_v1` imports its clients, their retries and Google's authentication,
half a second of work, before its `types` can be had. A server needs the types alone. Only a
process that is nothing but an emulator may do this: a client cannot be imported in it any more.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

_CLIENT_LIBRARIES = (
    "google.cloud.firestore_v1",
    "google.cloud.workflows",
    "google.cloud.workflows.executions_v1",
    "google.cloud.workflows_v1",
    "google.pubsub_v1",
)


def leave_out_clients() -> None:
    """Make the client libraries' packages empty, so that importing their types runs no more."""
    for name in _CLIENT_LIBRARIES:
        if name not in sys.modules:
            specification = importlib.util.find_spec(name)
            if specification is not None and specification.submodule_search_locations is not None:
                package = ModuleType(name)
                package.__path__ = list(specification.submodule_search_locations)
                sys.modules[name] = package
