"""Run the scheduler as a process: `python -m emulators.scheduler --pubsub-host HOST:PORT`."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys

from emulators.process import argument_parser, options_of, run_until_stopped
from emulators.scheduler.server import SchedulerOptions, running

BAD_INPUT = 2


def main() -> int:
    """Serve until asked to stop; return the exit code."""
    parser = argument_parser("scheduler")
    parser.add_argument("--pubsub-host", help="HOST:PORT of the Pub/Sub that jobs publish to")
    parser.add_argument(
        "--workflows-host", help="HOST:PORT of the Workflows REST server that jobs call"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options = SchedulerOptions(
        options_of(arguments), arguments.pubsub_host, arguments.workflows_host
    )
    try:
        asyncio.run(_run(options))
    except OSError as error:
        sys.stderr.write(f"--port {options.common.port}: {error}\n")
        return BAD_INPUT
    except sqlite3.OperationalError as error:
        sys.stderr.write(f"--data-dir {options.common.data_dir}: {error}\n")
        return BAD_INPUT
    return 0


async def _run(options: SchedulerOptions) -> None:
    async with running(options) as port:
        await run_until_stopped("scheduler", port=port)


if __name__ == "__main__":
    sys.exit(main())
