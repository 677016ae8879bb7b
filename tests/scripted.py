"""An exchange that fails when it is told to, and the steps that tests of orders share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from examples import PRICE_COLUMNS, sintef_prices

from hydrobid.adapters.memory import MemoryExchange
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.messages import AssetBid, Message
from hydrobid.domain.orders import OrderRecord
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import RunView, read_run
from hydrobid.schema import ClientInputs, with_prices

AREA = "NO2"


class ScriptedExchange(MemoryExchange):
    """Before each change, runs the next of its scripts: to fail, to act, or to let time pass."""

    def __init__(self, clock, *scripts: Callable[[Callable[[], None]], None]) -> None:
        super().__init__(clock)
        self.scripts = list(scripts)
        self.changes = 0

    def place(self, auction, portfolio, matrix, comment) -> None:
        self._scripted(
            lambda: super(ScriptedExchange, self).place(auction, portfolio, matrix, comment)
        )

    def amend(self, auction, order_id, matrix, comment) -> None:
        self._scripted(
            lambda: super(ScriptedExchange, self).amend(auction, order_id, matrix, comment)
        )

    def cancel(self, auction, order_id) -> None:
        self._scripted(lambda: super(ScriptedExchange, self).cancel(auction, order_id))

    def place_blocks(self, auction, portfolio, matrix, comment) -> None:
        self._scripted(
            lambda: super(ScriptedExchange, self).place_blocks(auction, portfolio, matrix, comment)
        )

    def amend_blocks(self, auction, order_id, matrix, comment) -> None:
        self._scripted(
            lambda: super(ScriptedExchange, self).amend_blocks(auction, order_id, matrix, comment)
        )

    def cancel_blocks(self, auction, order_id) -> None:
        self._scripted(lambda: super(ScriptedExchange, self).cancel_blocks(auction, order_id))

    def _scripted(self, act: Callable[[], None]) -> None:
        self.changes += 1
        if self.scripts:
            self.scripts.pop(0)(act)
        else:
            act()


class AlteredExchange(MemoryExchange):
    """Says of its auctions what is in `auctions`, and of its terms what is in `says`, or fails.

    honest: how often it first says what is so. error: raised where it is asked for an auction.
    """

    def __init__(self, clock, honest: int = 0, error: Exception | None = None, **says) -> None:
        super().__init__(clock)
        self.honest, self.error, self.says, self.auctions = honest, error, says, {}

    def auction(self, market, day):
        found = super().auction(market, day)
        self.honest -= 1
        if self.honest >= 0:
            return found
        if self.error is not None:
            raise self.error
        return replace(found, **self.auctions)

    def terms(self, market, day, auction, portfolio, area):
        found = super().terms(market, day, auction, portfolio, area)
        return found if self.honest >= 0 else replace(found, **self.says)


class Crash(BaseException):
    """The process is gone."""


class Killing:
    """Wraps a port and kills the process before, or after, the nth of its calls that matter."""

    def __init__(self, inner, names: tuple[str, ...], number: int, *, after: bool) -> None:
        self._inner, self._names = inner, names
        self.left, self._after = number, after

    def __getattr__(self, name: str):
        value = getattr(self._inner, name)
        if name not in self._names:
            return value

        def call(*arguments):
            self.left -= 1
            if self.left == 0 and not self._after:
                raise Crash
            result = value(*arguments)
            if self.left == 0:
                raise Crash
            return result

        return call


@dataclass
class Delivering:
    """Messages that are handled as soon as they are published."""

    pipeline: InProcessPipeline

    def publish(self, message: Message) -> None:
        self.pipeline.handle(message)


def fails(error: Exception) -> Callable[[Callable[[], None]], None]:
    def script(_: Callable[[], None]) -> None:
        raise error

    return script


def acts_and_fails(error: Exception) -> Callable[[Callable[[], None]], None]:
    def script(act: Callable[[], None]) -> None:
        act()
        raise error

    return script


def acts(act: Callable[[], None]) -> None:
    act()


def with_exchange(pipeline: InProcessPipeline, *scripts) -> ScriptedExchange:
    exchange = ScriptedExchange(pipeline.clock, *scripts)
    pipeline.exchange = exchange
    return exchange


def next_prices(pipeline: InProcessPipeline, inputs: ClientInputs, factor: float) -> None:
    """Publish other prices, a minute later."""
    pipeline.clock.advance(timedelta(minutes=1))
    (name,) = inputs.scenario_sets
    content = (PRICE_COLUMNS + sintef_prices(factor)).encode()
    other = with_prices(inputs, name, "other.csv", content)
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)


def redeliver(pipeline: InProcessPipeline, view: RunView) -> RunView:
    asset = view.plan.assets[0].asset
    pipeline.handle(AssetBid(client=view.plan.client, run=view.plan.run, asset=asset, version=1))
    return read_run(pipeline.documents, view.plan.run)


def order_of(view: RunView) -> OrderRecord:
    return view.orders[AREA]
