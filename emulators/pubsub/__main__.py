"""`python -m emulators.pubsub --port P --data-dir DIR --clock-file F`."""

import asyncio

from emulators.process import announce_ready, argument_parser, options_of, stop_requested
from emulators.pubsub.server import running


async def _main() -> None:
    options = options_of(argument_parser("pubsub").parse_args())
    async with running(options) as port:
        stop = asyncio.create_task(stop_requested())
        # Signals are handled before the first caller can know that there is a process to signal.
        await asyncio.sleep(0)
        announce_ready("pubsub", port=port)
        await stop


if __name__ == "__main__":
    asyncio.run(_main())
