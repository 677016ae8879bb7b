"""The standard library: every function and constant that an expression or a call may name."""

from __future__ import annotations

from emulators.workflows.stdlib import calls, connectors, core, encoding, moments, retries
from emulators.workflows.stdlib.registry import FUNCTIONS, Function, Kind, Surroundings

CONSTANTS = retries.CONSTANTS
CONNECTOR_PREFIX = connectors.PREFIX
# Importing a module registers its functions.
MODULES = (calls, connectors, core, encoding, moments, retries)

__all__ = [
    "CONNECTOR_PREFIX",
    "CONSTANTS",
    "FUNCTIONS",
    "MODULES",
    "Function",
    "Kind",
    "Surroundings",
]
