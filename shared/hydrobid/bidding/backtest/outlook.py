"""The scenarios that a day is bid on: the forecast, and what forecasts have missed by before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.backtest.archive import Archive
from hydrobid.bidding.backtest.entrant import Entrant
from hydrobid.bidding.backtest.settings import BacktestSettings, Generator
from hydrobid.bidding.scenarios.generation import block_bootstrap, gaussian_copula
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet

Floats = NDArray[np.float64]

FORECAST = ScenarioId("forecast")
FEWEST_ERRORS = 20
GENERATORS: Final[Mapping[Generator, Callable[[Floats, Floats, int, int], Floats]]] = {
    Generator.GAUSSIAN_COPULA: gaussian_copula,
    Generator.BLOCK_BOOTSTRAP: block_bootstrap,
}


def outlook(
    archive: Archive, area: PriceArea, day: date, entrant: Entrant, settings: BacktestSettings
) -> ScenarioSet:
    """Return the scenarios of a day for a method, or the forecast alone where it takes none.

    Raises:
        InvalidInput: when the day was bid there was no forecast of it, or too few past errors.
    """
    if not entrant.on_scenarios:
        return ScenarioSet((FORECAST,), np.ones(1), {area: archive.known(day, 1).forecast})
    known = archive.known(day, settings.history_days)
    if len(known.days) < FEWEST_ERRORS:
        expected = f"{FEWEST_ERRORS} or more earlier days with price and forecast"
        raise InvalidInput.of("forecast", str(day), f"{len(known.days)} past errors", expected)
    count = entrant.scenarios
    # The same day has the same scenarios in every method, and other days have others.
    seed = int(np.random.SeedSequence([settings.seed, day.toordinal()]).generate_state(1)[0])
    generate = GENERATORS[settings.generator]
    prices = generate(known.forecast, known.errors, count, seed)[:, 0, :]
    ids = tuple(ScenarioId(f"s{number:04}") for number in range(1, count + 1))
    return ScenarioSet(ids, np.full(count, 1 / count), {area: prices})
