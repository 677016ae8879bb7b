"""`python -m emulators`: the emulated cloud in one process, until it is told to stop."""

from __future__ import annotations

from emulators.lean_imports import leave_out_clients

leave_out_clients()

import argparse  # noqa: E402 - the services' modules come after the clients were left out
import asyncio  # noqa: E402
import logging  # noqa: E402
import sqlite3  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from emulators.cloud import PORTS, SERVICES, Cloud, CloudOptions  # noqa: E402
from emulators.control import Control  # noqa: E402
from emulators.firestore.concurrency import ConcurrencyMode  # noqa: E402
from emulators.http_server import LoopServer, listening  # noqa: E402
from emulators.process import LOOPBACK, faults_file, run_until_stopped  # noqa: E402

BAD_INPUT = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulators", description=__doc__)
    for name in (*PORTS, "control"):
        parser.add_argument(
            f"--{name}-port", type=int, default=0, metavar="PORT", help="0 takes a free one"
        )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SERVICES,
        default=SERVICES,
        help="services to run; all if absent",
    )
    parser.add_argument(
        "--concurrency",
        choices=[mode.lower() for mode in ConcurrencyMode],
        default=ConcurrencyMode.PESSIMISTIC.lower(),
        help="how Firestore keeps transactions apart in databases that do not say it",
    )
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--data-dir", type=Path, help="folder of the state; in memory when absent")
    parser.add_argument("--clock-file", type=Path, help="file with the market clock's offset")
    parser.add_argument("--faults-file", type=faults_file, help="file of the faults to inject")
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    cloud = Cloud(
        CloudOptions(
            arguments.only,
            {name: getattr(arguments, f"{name.replace('-', '_')}_port") for name in PORTS},
            arguments.host,
            arguments.data_dir,
            arguments.clock_file,
            arguments.faults_file,
            ConcurrencyMode(arguments.concurrency.upper()),
        )
    )
    listener = listening(arguments.control_port, arguments.host)
    control = LoopServer(Control(cloud).application, listener, lifespan="off")
    await cloud.start()
    await control.start()
    try:
        addresses = {**cloud.addresses(), "control": f"{LOOPBACK}:{control.port}"}
        await run_until_stopped("emulators", **addresses)
    finally:
        await control.stop()
        await cloud.stop()


def main() -> int:
    """Serve until asked to stop; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("emulators.workflows.executions").setLevel(logging.INFO)
    try:
        asyncio.run(_run(_parser().parse_args()))
    except (OSError, RuntimeError, sqlite3.OperationalError) as error:
        sys.stderr.write(f"the emulators cannot start: {error}\n")
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
