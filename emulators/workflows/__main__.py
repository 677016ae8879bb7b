"""`python -m emulators.workflows`: a Workflows on loopback, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging

from emulators.process import argument_parser, options_of, run_until_stopped
from emulators.workflows.server import WorkflowsOptions, WorkflowsServer


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("workflows")
    parser.add_argument("--rest-port", type=int, default=0, help="port of REST and callbacks")
    parser.add_argument("--pubsub-host", help="HOST:PORT of the Pub/Sub that connectors use")
    parser.add_argument("--firestore-host", help="HOST:PORT of the Firestore that connectors use")
    return parser


async def _run(options: WorkflowsOptions) -> None:
    server = WorkflowsServer(options)
    await server.start()
    await run_until_stopped("workflows", port=server.port, rest_port=server.rest_port)
    await server.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("emulators.workflows.executions").setLevel(logging.INFO)
    arguments = _parser().parse_args()
    asyncio.run(
        _run(
            WorkflowsOptions(
                options_of(arguments),
                arguments.rest_port,
                arguments.pubsub_host,
                arguments.firestore_host,
            )
        )
    )
