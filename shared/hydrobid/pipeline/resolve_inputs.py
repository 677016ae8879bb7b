"""What a day is planned from: a client's documents, and the series that arrived in their place.

The result is a configuration like any other, stored by content: a run that is made from it is solved and
repeated without asking again what was current.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from hydrobid.domain.conditions import Conditions, NonNegativeSteps, Steps, TradeSteps
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import AssetId, Identifier
from hydrobid.domain.position import OLDEST_LEVELS
from hydrobid.domain.series import OF_SCENARIOS, Known, SeriesKind, SeriesVersion
from hydrobid.domain.watercourse import Reservoir, volume_at
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.publish_inputs import CurrentInputs
from hydrobid.schema.pushed_series import steps_in


@dataclass(frozen=True)
class ResolvedInputs:
    """What a day is planned from.

    digest: of the configuration's document. levels_at: since when each asset's levels hold. series:
    what of it arrived by itself. measured: when the level of a reservoir was.
    """

    configuration: ClientConfiguration
    digest: str
    levels_at: Mapping[AssetId, datetime]
    series: Known
    measured: Mapping[Identifier, datetime]


def resolve_inputs(
    documents: Documents,
    current: CurrentInputs,
    stored: Mapping[str, Any],
    configuration: ClientConfiguration,
    day: date,
) -> ResolvedInputs:
    """Return a client's configuration for a day with the series that arrived for it.

    stored: the document of `configuration`. Raises:
        InvalidInput: a level lies beyond what the configuration has by now.
    """
    if not current.series.keys() - set(OF_SCENARIOS):
        held = {asset.asset: current.state_at for asset in configuration.assets}
        return ResolvedInputs(configuration, current.configuration, held, {}, {})
    merging = _Merging(documents, current, configuration, day)
    assets = tuple(merging.asset(asset) for asset in configuration.assets)
    if merging.series:
        configuration = configuration.model_copy(update={"assets": assets})
        document = {**stored, "configuration": configuration.to_document()}
        digest = put_blob(documents, document)
    else:
        digest = current.configuration
    return ResolvedInputs(
        configuration, digest, merging.levels_at, merging.series, merging.measured
    )


@dataclass
class _Merging:
    """Series on their way into a configuration. measured: when the level of a reservoir was."""

    documents: Documents
    current: CurrentInputs
    configuration: ClientConfiguration
    day: date
    series: Known = field(default_factory=dict)
    levels_at: dict[AssetId, datetime] = field(default_factory=dict)
    measured: dict[Identifier, datetime] = field(default_factory=dict)
    _loaded: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        reservoirs = (r.name for a in self.configuration.assets for r in a.watercourse.reservoirs)
        self._shared = {name for name, count in Counter(reservoirs).items() if count > 1}
        grid, horizon = self.configuration.market.grid(self.day), self.configuration.horizon
        self._day_starts = grid.start
        before = OLDEST_LEVELS if horizon is not None else timedelta(0)
        after = sum((span for _, span in horizon.later), timedelta(0)) if horizon else timedelta(0)
        self._span = (grid.start - before, grid.end + after)

    def asset(self, asset: AssetConfiguration) -> AssetConfiguration:
        """Return an asset with what arrived for it."""
        watercourse = asset.watercourse
        held = [self._level(reservoir) for reservoir in watercourse.reservoirs]
        known = [self.measured[r.name] for r in watercourse.reservoirs if r.name in self.measured]
        # The water is followed from the oldest of its levels on.
        self.levels_at[asset.asset] = min(known, default=self.current.state_at)
        stated = watercourse.conditions or Conditions()
        conditions = self._conditions(asset, stated)
        update = {
            "reservoirs": tuple(held),
            "conditions": watercourse.conditions if conditions == stated else conditions,
        }
        return asset.model_copy(update={"watercourse": watercourse.model_copy(update=update)})

    def _level(self, reservoir: Reservoir) -> Reservoir:
        """Return a reservoir that starts as it was measured."""
        found = self._steps(SeriesKind.LEVELS, reservoir.name)
        if found is None:
            return reservoir
        unit, steps, version = found
        # Without a horizon the solve begins with the day, for which a level may be foretold.
        until = version.published if self.configuration.horizon else self._day_starts
        at = max((time for time in steps.times if time <= until), default=None)
        level = None if at is None else steps.at(at)
        if at is None or level is None:
            return reservoir
        limits = {"m": reservoir.level_limits, "Mm3": (reservoir.volume_min, reservoir.volume_max)}
        low, high = limits[unit]
        if not low <= level <= high:
            expected = f"{low:g} to {high:g} {unit}, as the configuration has it by now"
            raise InvalidInput.of("levels", reservoir.name, level, expected)
        self.measured[reservoir.name] = at
        self._note(SeriesKind.LEVELS, reservoir.name, version)
        volume = volume_at(level, reservoir.level.y, reservoir.level.x) if unit == "m" else level
        kept = min(max(volume, reservoir.volume_min), reservoir.volume_max)
        return reservoir.model_copy(update={"start_volume": kept})

    def _conditions(self, asset: AssetConfiguration, conditions: Conditions) -> Conditions:
        inflow = dict(conditions.inflow)
        for reservoir in asset.watercourse.reservoirs:
            steps = self._of_the_time(SeriesKind.INFLOWS, reservoir.name)
            if steps is not None:
                inflow[reservoir.name] = NonNegativeSteps(times=steps.times, values=steps.values)
        trade = conditions.trade
        obligation = self._of_the_time(SeriesKind.OBLIGATIONS, asset.asset)
        if obligation is not None:
            trade = (trade or TradeSteps()).model_copy(update={"obligation": obligation})
        return conditions.model_copy(update={"inflow": inflow, "trade": trade})

    def _of_the_time(self, kind: SeriesKind, name: Identifier) -> Steps | None:
        """Return what a series says of the time that is solved, None where that is nothing."""
        found = self._steps(kind, name)
        steps = None if found is None else _within(_ending(found[1]), *self._span)
        if found is not None and steps is not None:
            self._note(kind, name, found[2])
        return steps

    def _steps(self, kind: SeriesKind, name: Identifier) -> tuple[str, Steps, SeriesVersion] | None:
        version = self.current.series.get(kind, {}).get(name)
        if version is None or (kind is not SeriesKind.OBLIGATIONS and name in self._shared):
            return None
        if version.content not in self._loaded:
            self._loaded[version.content] = get_blob(self.documents, version.content)
        return (*steps_in(self._loaded[version.content], name), version)

    def _note(self, kind: SeriesKind, name: Identifier, version: SeriesVersion) -> None:
        self.series.setdefault(kind, {})[Identifier(name)] = version


def _ending(steps: Steps) -> Steps:
    """Return a series that ends a step after its last value, where it says how long one is."""
    if len(steps.times) < 2 or steps.values[-1] is None:
        return steps
    end = steps.times[-1] + (steps.times[-1] - steps.times[-2])
    return Steps(times=(*steps.times, end), values=(*steps.values, None))


def _within(steps: Steps, start: datetime, end: datetime) -> Steps | None:
    """Return what holds between two instants, None where nothing does: the rest is of other days."""
    before: Sequence[int] = [n for n, time in enumerate(steps.times) if time <= start]
    first = before[-1] if before else 0
    kept = [n for n in range(first, len(steps.times)) if steps.times[n] < end]
    values = tuple(steps.values[n] for n in kept)
    if all(value is None for value in values):
        return None
    return Steps(times=tuple(steps.times[n] for n in kept), values=values)
