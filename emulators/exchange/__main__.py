"""Run the exchange as a process: `python -m emulators.exchange --market FILE --credentials-file FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from emulators.exchange.auth import CredentialsFileError, load_credentials
from emulators.exchange.market_file import MarketFileError, load_market
from emulators.exchange.server import (
    TOKEN_LIFETIME_SECONDS,
    ExchangeOptions,
    UnknownPortfolioError,
    serve,
)
from emulators.process import argument_parser, options_of, run_until_stopped

BAD_INPUT = 2


def main() -> int:
    """Serve until asked to stop; return the exit code."""
    parser = argument_parser("exchange")
    parser.add_argument(
        "--market", type=Path, required=True, help="YAML or JSON file of the market"
    )
    parser.add_argument(
        "--credentials-file",
        type=Path,
        required=True,
        help="JSON file: client_id, client_secret, users {name: {password, portfolios}}",
    )
    parser.add_argument(
        "--prices",
        type=Path,
        help="CSV file of what auctions come to: price_area, delivery_start, price; read whenever "
        "results are asked for",
    )
    parser.add_argument(
        "--token-lifetime",
        type=int,
        default=TOKEN_LIFETIME_SECONDS,
        help="real seconds until a token expires",
    )
    arguments = parser.parse_args()
    shared = options_of(arguments)
    try:
        server = serve(
            ExchangeOptions(
                rules=load_market(arguments.market),
                credentials=load_credentials(arguments.credentials_file),
                port=shared.port,
                data_dir=shared.data_dir,
                prices_file=arguments.prices,
                clock=shared.clock,
                faults=shared.faults,
                token_lifetime_seconds=arguments.token_lifetime,
            )
        )
    except (MarketFileError, CredentialsFileError, UnknownPortfolioError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    asyncio.run(run_until_stopped("exchange", port=server.port))
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
