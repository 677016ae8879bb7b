"""`python -m emulators.firestore`: a Firestore on loopback, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio

from emulators.firestore.concurrency import ConcurrencyMode
from emulators.firestore.server import FirestoreServer
from emulators.firestore.transactions import TransactionLimits
from emulators.process import argument_parser, options_of, run_until_stopped


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("firestore")
    parser.add_argument(
        "--rest-port", type=int, default=0, help="port of the REST form; 0 takes a free one"
    )
    parser.add_argument(
        "--concurrency",
        choices=[mode.lower() for mode in ConcurrencyMode],
        default=ConcurrencyMode.PESSIMISTIC.lower(),
        help="how transactions are kept apart in databases that do not say it",
    )
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    mode = ConcurrencyMode(arguments.concurrency.upper())
    server = FirestoreServer(options_of(arguments), TransactionLimits(), arguments.rest_port, mode)
    await server.start()
    await run_until_stopped("firestore", port=server.port, rest_port=server.rest_port)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(_run(_parser().parse_args()))
