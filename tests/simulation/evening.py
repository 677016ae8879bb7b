"""After the gate: the exchange publishes what the auction came to, soon, late or never, and is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from simulation import client
from simulation.bus import Bus
from simulation.ports import World

from hydrobid.adapters.memory import MemoryExchange
from hydrobid.domain.identifiers import MarketId, Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.messages import ResultsDue
from hydrobid.domain.stages import RESULTS_WITHIN
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Document

SHARE = 0.3
"""The share of schedules that have an evening."""
TICKS = (40, 100, 150, 240)
"""Minutes after the gate at which results are asked for."""
PUBLISHED = (20, 70, 130, 200, None)
"""Minutes after the gate at which they are published; None: not today."""
CALM = 140
"""Minutes after the gate from when on no fault strikes: two ticks come after."""
PRICES = (35.0, 28.1, 61.7)
GATE = client.GATE.timestamp()


@dataclass(frozen=True)
class Evening:
    """The evening of one schedule. published: minutes after the gate, None where nothing is."""

    world: World
    exchange: MemoryExchange
    market: Market
    areas: tuple[str, ...]
    published: int | None

    @classmethod
    def drawn(
        cls, world: World, exchange: MemoryExchange, market: Market, areas: tuple[str, ...]
    ) -> Evening | None:
        """Return the evening that the seed has, None where it has none."""
        choices = world.choices
        if choices.unit("evening") >= SHARE or not world.faults.happens("evening @ day"):
            return None
        return cls(world, exchange, market, areas, choices.pick(PUBLISHED, "published"))

    def begin(self, bus: Bus) -> None:
        """Have it all happen at its time; in half of the evenings, with faults of their own."""
        kernel, faults = self.world.kernel, self.world.faults
        if self.world.choices.unit("evening is stormy") < 0.5:
            faults.stormy = ResultsDue.topic
        kernel.at(GATE + 60 * CALM, self._calm)
        if self.published is not None:
            kernel.at(GATE + 60 * self.published, self._publish)
        for minute in TICKS:
            kernel.at(GATE + 60 * minute, partial(self._ask, bus, minute))

    def _ask(self, bus: Bus, minute: int) -> None:
        if not self.world.faults.strikes("tick-missed", f"{ResultsDue.topic} {minute}"):
            bus.publish(ResultsDue.topic, {"client": client.CLIENT})

    def _calm(self) -> None:
        self.world.faults.stormy = None

    def _publish(self) -> None:
        auction = self.exchange.auction(self.market, client.DAY)
        for area in self.areas:
            self.exchange.publish(auction, PriceArea(area), PRICES)
        self.world.kernel.note("results are published")


def evening_violations(
    evening: Evening, exchange: MemoryExchange, stored: Mapping[str, Document]
) -> Iterator[str]:
    """Yield what is wrong after an evening: each area has its result, or an alert tells that it has not."""
    if paths.day(evening.market.id, client.DAY) not in stored:
        return  # nobody planned the day, so there is nothing to be asked about
    open_alerts = {
        (alert["code"], alert["subject"])
        for path, alert in stored.items()
        if path.startswith(f"{paths.ALERTS}/") and alert["resolved"] is None
    }
    for area in evening.areas:
        yield from _of_area(evening, exchange, stored, PriceArea(area), open_alerts)


def _of_area(
    evening: Evening,
    exchange: MemoryExchange,
    stored: Mapping[str, Document],
    area: PriceArea,
    open_alerts: set[tuple[str, str]],
) -> Iterator[str]:
    market, portfolio = evening.market, Portfolio("simulated")
    found = stored.get(paths.result(MarketId(market.id), client.DAY, portfolio, area))
    overdue = ("RESULTS_OVERDUE", area) in open_alerts
    if found is None:
        if evening.published is not None:
            yield f"the results of {area} were published and are not kept"
        elif TICKS[-1] * 60 > RESULTS_WITHIN and not overdue:
            yield f"{area} has no results, and no alert says so"
        return
    if overdue:
        yield f"{area} has its results, and an alert says that it has not"
    auction = exchange.auction(market, client.DAY)
    published = exchange.result(market, client.DAY, auction, portfolio, area)
    if published is None or found["content"] != published.digest():
        yield f"what is kept of {area} is not what was published"
    seen = _seen(stored, area)
    orders = exchange.standing_orders(market, client.DAY, auction, portfolio, area)
    stands = None if orders.matrix is None else orders.matrix.digest()
    if seen != stands:
        return  # what came to stand after the last look is not known to be ours
    if found["matrix"] is None and ("GATE_MISSED", area) in open_alerts:
        return  # curves of one bid with another's blocks, which came late: no bid as a whole
    if found["matrix"] != stands:
        yield f"the results of {area} are held against another bid than stood"
    if ("RESULT_MISMATCH", area) in open_alerts:
        yield f"the results of {area} are what its bid comes to, and an alert says that they are not"


def _seen(stored: Mapping[str, Document], area: PriceArea) -> str | None:
    """Return the digest of what stood at the last look at the day's order."""
    path = f"{paths.ORDERS}/hourly~{client.DAY.isoformat()}~simulated~{area}~curve"
    standing = stored.get(path, {}).get("standing")
    return None if standing is None else standing["matrix"]
