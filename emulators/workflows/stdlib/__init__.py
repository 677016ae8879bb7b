"""The standard library: every function and constant that an expression or a call may name."""

from __future__ import annotations

from emulators.workflows.stdlib import (
    calls,
    connectors,
    core,
    encoding,
    google_apis,
    moments,
    retries,
)
from emulators.workflows.stdlib.connectors import is_elsewhere
from emulators.workflows.stdlib.registry import FUNCTIONS, Function, Kind, Surroundings

CONSTANTS = retries.CONSTANTS
# Importing a module registers its functions.
MODULES = (calls, connectors, core, encoding, google_apis, moments, retries)

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "MODULES",
    "Function",
    "Kind",
    "Surroundings",
    "is_elsewhere",
]
