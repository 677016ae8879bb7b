"""`python -m emulators.firestore`: a Firestore on loopback, until it is told to stop."""

from __future__ import annotations

import asyncio

from emulators.firestore.server import FirestoreServer
from emulators.firestore.transactions import TransactionLimits
from emulators.process import Options, argument_parser, options_of, run_until_stopped


async def _run(options: Options) -> None:
    server = FirestoreServer(options, TransactionLimits())
    await server.start()
    await run_until_stopped("firestore", port=server.port)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(_run(options_of(argument_parser("firestore").parse_args())))
