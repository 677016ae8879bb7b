"""The exchange as a server on loopback: a thread of this process, or a process through `__main__`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from emulators.clock import MarketClock, real_seconds
from emulators.exchange.api import create_app
from emulators.exchange.auth import Credentials, TokenDesk
from emulators.exchange.exchange import Exchange
from emulators.exchange.injection import BreakableConnection, InjectFaults
from emulators.exchange.market_file import MarketRules
from emulators.exchange.orders import OrderBook
from emulators.exchange.prices import Prices
from emulators.faults.switch import Faults
from emulators.http_server import HttpServer, listening, serving

TOKEN_LIFETIME_SECONDS = 3600


@dataclass(frozen=True)
class ExchangeOptions:
    """What one exchange is made of.

    data_dir: None keeps orders in memory. port: 0 takes a free one. prices_file: what auctions come to, where it says so; it may be written later.
    """

    rules: MarketRules
    credentials: Credentials
    port: int = 0
    data_dir: Path | None = None
    prices_file: Path | None = None
    clock: MarketClock = field(default_factory=lambda: MarketClock(None))
    token_lifetime_seconds: int = TOKEN_LIFETIME_SECONDS
    real_time: Callable[[], float] = real_seconds
    faults: Faults = field(default_factory=Faults)


class UnknownPortfolioError(Exception):
    """Users are given portfolios that the market does not have."""

    def __init__(self, unknown: set[str], known: set[str]) -> None:
        super().__init__(
            f"credentials name portfolios {sorted(unknown)}; the market has {sorted(known)}"
        )


def serve(options: ExchangeOptions) -> HttpServer:
    """Return an exchange that takes requests on loopback, at the port that it tells.

    Raises `UnknownPortfolioError` when credentials and market disagree and OSError when the port is
    taken.
    """
    _require_known_portfolios(options)
    listener = listening(options.port)
    path = options.data_dir / "exchange.sqlite3" if options.data_dir else None
    book = OrderBook(path)
    token_desk = TokenDesk(
        options.credentials,
        lifetime_seconds=options.token_lifetime_seconds,
        real_time=options.real_time,
    )
    prices = Prices(options.rules, options.prices_file)
    app = create_app(Exchange(options.rules, book, options.clock, prices), token_desk)
    app.add_middleware(InjectFaults, faults=options.faults, expire_tokens=token_desk.forget_all)
    return serving("exchange", app, listener, book.close, http=BreakableConnection, lifespan="off")


def _require_known_portfolios(options: ExchangeOptions) -> None:
    known = {portfolio.name for portfolio in options.rules.portfolios}
    given = {name for user in options.credentials.users.values() for name in user.portfolios}
    if given - known:
        raise UnknownPortfolioError(given - known, known)
