"""What the emulators cost, durable and in memory, as one JSON.

    python tests/benchmarks/emulators.py [PART ...]

A part is a service, or their start; each has a module in `emulator_parts` that measures it in a process of its own.
This file hides the package of its name: a part starts the emulators and cannot import them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from emulator_parts import firestore, pubsub, start, workflows

PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "start": start.figures,
    "firestore": firestore.figures,
    "pubsub": pubsub.figures,
    "workflows": workflows.figures,
}


def main() -> None:
    """Print the figures of the parts that are named, of all when none is."""
    chosen = sys.argv[1:] or list(PARTS)
    print(json.dumps({name: PARTS[name]() for name in chosen}, indent=2))


if __name__ == "__main__":
    main()
