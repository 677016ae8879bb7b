"""Limits of Cloud Workflows as its quota page states them; sizes in bytes, times in seconds."""

from __future__ import annotations

SOURCE_BYTES = 128 * 1024
EXPRESSION_CHARACTERS = 400
ASSIGNMENTS_PER_STEP = 50
CONDITIONS_PER_SWITCH = 50
BRANCHES_PER_PARALLEL_STEP = 10
PARALLEL_NESTING = 2
CONCURRENT_BRANCHES = 20
UNCAUGHT_BRANCH_ERRORS = 100
CALL_DEPTH = 20
STEPS_PER_EXECUTION = 100_000
VARIABLES_BYTES = 512 * 1024
STRING_BYTES = 256 * 1024
HTTP_RESPONSE_BYTES = 2 * 1024 * 1024
HTTP_TIMEOUT_DEFAULT = 300.0
HTTP_TIMEOUT_MAX = 1800.0
CALLBACK_TIMEOUT_DEFAULT = 43_200.0
CONNECTOR_TIMEOUT_DEFAULT = 1800.0

# Not Google's: how deep a source may nest and how many values it may spell out, aliases followed,
# so that no source can exhaust the parser.
SOURCE_NESTING = 100
SOURCE_NODES = 100_000
