"""`python -m emulators.pubsub --port P --data-dir DIR --clock-file F`."""

import asyncio

from emulators.process import argument_parser, options_of, run_until_stopped
from emulators.pubsub.server import running


async def _main() -> None:
    options = options_of(argument_parser("pubsub").parse_args())
    async with running(options) as port:
        await run_until_stopped("pubsub", port=port)


if __name__ == "__main__":
    asyncio.run(_main())
