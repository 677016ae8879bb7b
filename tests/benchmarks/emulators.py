"""What the emulators cost, with their state on disk and in memory, as one JSON.

    python tests/benchmarks/emulators.py [PART ...]

A part is a service, measured in a process of its own. This file hides the package of its name: a
part starts the emulators and cannot import them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator_parts import workflows

# Each measures a service whose state is in a folder, or in memory for None.
PARTS: dict[str, Callable[[Path | None], dict[str, Any]]] = {
    "workflows": workflows.measured,
}


def main() -> None:
    """Print the figures of the parts that are named, of all when none is."""
    chosen = sys.argv[1:] or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        places = {"durable": Path(folder), "in_memory": None}
        report = {
            place: {part: PARTS[part](where) for part in chosen} for place, where in places.items()
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
