"""A client's configuration: what is bid, where, by which method and under which policies."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_serializer, model_validator

from hydrobid.domain.approval import ApprovalMode, OnSilence
from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import (
    AssetId,
    ClientId,
    Identifier,
    Portfolio,
    PriceArea,
    ScenarioId,
)
from hydrobid.domain.market import Market
from hydrobid.domain.methods import Blocks, ExclusiveGroup, Joint, Method, MultiScenario
from hydrobid.domain.planning_horizon import PlanningHorizon
from hydrobid.domain.series import InputPolicy
from hydrobid.domain.stages import CutOffs, Stages
from hydrobid.domain.watercourse import Watercourse

OWN_SOLVER = Identifier("hydrobid")
# Ours as well: units on or off, and heads as the water makes them.
COMMITMENT_SOLVER = Identifier("hydrobid-commitment")
LONGEST_WITH_BLOCKS = 70
"""Characters of an asset's name that leave room for a number behind it."""


class CoveragePolicy(Value):
    """When a bid on some of the scenarios is safe.

    minimum_probability: the share of probability that must be solved. must_have: scenarios without
    which there is no bid. minimum_price_span: the share of the whole set's span of prices that the
    solved scenarios' prices must span.
    """

    minimum_probability: Annotated[float, Field(gt=0, le=1)] = 0.5
    must_have: tuple[ScenarioId, ...] = ()
    minimum_price_span: Annotated[float, Field(ge=0, le=1)] = 0.0


class Fallback(StrEnum):
    """Where a bid may come from when the scenarios give none, best first."""

    OLDER_REVISION = "older_revision"
    YESTERDAY = "yesterday"
    WATER_VALUE = "water_value"


class AssetConfiguration(Value):
    """An asset, the price area it is bid in, and how its bid is made.

    scenario_seconds: how long one scenario may take to solve. solver: ours, ours
    with commitment, or one that the deployment has under that name. fallback: which links of the chain may be taken, in the chain's
    own order.
    """

    asset: AssetId
    price_area: PriceArea
    scenario_set: Identifier
    method: Method = MultiScenario()
    scenario_seconds: Annotated[float, Field(gt=0)] = 30.0
    # Ours is not written: documents keep the digests they had before there were others.
    solver: Annotated[Identifier, Field(exclude_if=lambda name: name == OWN_SOLVER)] = OWN_SOLVER
    coverage: CoveragePolicy = CoveragePolicy()
    fallback: frozenset[Fallback] = frozenset(Fallback)
    watercourse: Watercourse

    @field_serializer("fallback")
    def _in_order(self, links: frozenset[Fallback]) -> list[str]:
        return [str(link) for link in Fallback if link in links]


class BidChecks(Value):
    """What a client wants looked at before a bid is approved, beside what always is.

    price_floor: currency per MWh below which no more than sold_below_floor MW may be sold in an
    area; None where any price will do. change: how far the mean power may be from yesterday's
    before the approver is told, as a share of what the area's assets can do.
    """

    price_floor: float | None = None
    sold_below_floor: Annotated[float, Field(ge=0)] = 0.0
    change: Annotated[float, Field(gt=0, le=2)] = 0.5


class ClientConfiguration(Value):
    """Everything that a client's runs are made from, save the scenario sets.

    horizon: what is solved with the delivery day; None: the day stands by itself. inputs: how series
    that arrive by themselves are taken.
    """

    client: ClientId
    market: Market
    portfolio: Portfolio
    stages: Stages = Stages()
    approval: ApprovalMode = ApprovalMode.AUTOMATIC
    # What is not stated is not written: documents keep the digests they had before.
    on_silence: Annotated[
        OnSilence, Field(exclude_if=lambda policy: policy is OnSilence.WITHHOLD)
    ] = OnSilence.WITHHOLD
    checks: Annotated[BidChecks, Field(exclude_if=lambda checks: checks == BidChecks())] = (
        BidChecks()
    )
    # Not written where it is not stated: documents keep the digests they had before it came.
    horizon: Annotated[PlanningHorizon | None, Field(exclude_if=lambda value: value is None)] = None
    inputs: Annotated[InputPolicy, Field(exclude_if=lambda policy: policy == InputPolicy())] = (
        InputPolicy()
    )
    assets: Annotated[tuple[AssetConfiguration, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _assets_fit(self) -> Self:
        names = [asset.asset for asset in self.assets]
        if len(set(names)) != len(names):
            raise ValueError("a name of its own for each asset")
        watercourses = [asset.watercourse.name for asset in self.assets]
        if len(set(watercourses)) != len(watercourses):
            raise ValueError("a watercourse of its own for each asset: no water is bid twice")
        for asset in self.assets:
            if asset.price_area not in self.market.price_areas:
                known = ", ".join(self.market.price_areas)
                raise ValueError(f"price_area of {asset.asset} one of {known}: {asset.price_area}")
        return self

    @model_validator(mode="after")
    def _blocks_fit(self) -> Self:
        rules, counts = self.market.blocks, Counter[PriceArea]()
        for asset in self.assets:
            if not isinstance(asset.method, Blocks | ExclusiveGroup):
                continue
            if rules is None:
                raise ValueError(
                    f"method of {asset.asset} another than {asset.method.name}, which {self.market.id} does not take"
                )
            if len(asset.asset) > LONGEST_WITH_BLOCKS:
                raise ValueError(
                    f"asset a name of at most {LONGEST_WITH_BLOCKS} characters, as its blocks are "
                    f"named after it: {asset.asset}"
                )
            counts[asset.price_area] += asset.method.blocks
        for area, count in counts.items():
            most = None if rules is None else rules.orders_max
            if most is not None and count > most:
                raise ValueError(
                    f"method.blocks of the assets in {area} together at most the market's "
                    f"blocks.orders_max, {most}: {count}"
                )
        return self

    @model_validator(mode="after")
    def _stages_fit(self) -> Self:
        closes, closure = self.market.gate_closure.local_time, self.stages.cut_offs(_ANY_NOON)
        starts = _ANY_NOON - _since_midnight(closes) + _since_midnight(self.stages.daily_run)
        earliest = self.stages.dispatch.budget + timedelta(seconds=self.stages.solve.timeout)
        if starts + earliest > closure.solve:
            raise ValueError(
                f"stages.daily_run so early that dispatch and one solve end before the solve "
                f"cut-off, {_ANY_NOON - closure.solve} before the gate: {self.stages.daily_run}"
            )
        for asset in self.assets:
            longest = asset.method.longest_task * asset.scenario_seconds
            if longest > self.stages.solve.timeout:
                raise ValueError(
                    f"method.chunk x scenario_seconds of {asset.asset} at most stages.solve.timeout, "
                    f"{self.stages.solve.timeout} s: {longest:g} s"
                )
            _check_joint(asset, self.stages.solve.timeout)
        return self

    def asset(self, asset: AssetId) -> AssetConfiguration:
        """Return the configuration of one asset; KeyError where there is none."""
        return {candidate.asset: candidate for candidate in self.assets}[asset]

    def cut_offs_of(self, day: date) -> CutOffs:
        """Return the cut-offs of a delivery day, counted back from its gate closure."""
        return self.stages.cut_offs(self.market.gate(day))


def _check_joint(asset: AssetConfiguration, timeout: float) -> None:
    if not isinstance(asset.method, Joint):
        return
    if asset.method.seconds > timeout:
        raise ValueError(
            f"method.seconds of {asset.asset} at most stages.solve.timeout, {timeout} s: "
            f"{asset.method.seconds:g} s"
        )
    if asset.solver not in (OWN_SOLVER, COMMITMENT_SOLVER):
        raise ValueError(
            f"solver of {asset.asset} {OWN_SOLVER} or {COMMITMENT_SOLVER}, as method {asset.method.name} is "
            f"solved by ours alone: {asset.solver}"
        )


_ANY_NOON = datetime(2000, 1, 3, 12, tzinfo=UTC)
"""Only spans of time before the gate are compared: any gate will do."""


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
