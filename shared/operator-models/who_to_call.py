"""Tell who is called about a lake that stands high, from an operator's own model.

    hydrobid model codegen highland-example --clients-dir shared/operator-models --out out
    PYTHONPATH=out python shared/operator-models/who_to_call.py shared/operator-models/highland-example

Keepers of lakes mean nothing to a bid, so no rule reads them. The package that is made for the model has a
typed class for each of its types; what it reads is checked as for a bid.
"""  # noqa: INP001 - a script beside the data that it reads, part of no package

from __future__ import annotations

import sys
from pathlib import Path

from highland import Instances

HIGH = 0.6


def main() -> None:
    """Print each lake that is fuller than most, and whom to call."""
    instances = Instances.read(Path(sys.argv[1]))
    for name, lake in instances.lake.items():
        full = (lake.level - lake.lrv) / (lake.hrv - lake.lrv)
        if full > HIGH:
            keeper = lake.keeper or "nobody"
            sys.stdout.write(f"{name} in {lake.system} is {full:.0%} up: call {keeper}\n")


if __name__ == "__main__":
    main()
