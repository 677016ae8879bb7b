"""A client's configuration: what is bid, where, by which method and under which policies."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import AssetId, ClientId, Identifier, Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.watercourse import Watercourse

MAX_CHUNK = 200


class MultiScenario(Value):
    """Independent scenario solves, joined per MTU by a weighted isotonic fit.

    chunk: how many scenarios travel in one task.
    """

    name: Literal["multi_scenario"] = "multi_scenario"
    chunk: Annotated[int, Field(ge=1, le=MAX_CHUNK)] = 20


class CutOffPolicy(Value):
    """Minutes before gate closure at which each wait ends: solve first, submission last."""

    solve: Annotated[int, Field(gt=0)] = 30
    approval: Annotated[int, Field(gt=0)] = 15
    submission: Annotated[int, Field(gt=0)] = 5

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.solve > self.approval > self.submission:
            raise ValueError("minutes that fall from solve over approval to submission")
        return self


class CutOffs(Value):
    """The instants at which a run stops waiting for solves, for approval and for submission."""

    solve: datetime
    approval: datetime
    submission: datetime
    gate: datetime

    def from_now(self, now: datetime) -> CutOffs:
        """Return the cut-offs for waits that begin at `now`.

        When the solve cut-off has passed, what is left to the gate is shared out: half of it to
        solve, a quarter for approval, an eighth to submit.
        """
        left = self.gate - now
        if now < self.solve or left <= timedelta(0):
            return self
        return CutOffs(
            solve=now + left / 2,
            approval=now + left * 3 / 4,
            submission=now + left * 7 / 8,
            gate=self.gate,
        )


class AssetConfiguration(Value):
    """An asset, the price area it is bid in, and how its bid is made.

    minimum_probability: the share of scenario probability below which no partial bid is made.
    """

    asset: AssetId
    price_area: PriceArea
    scenario_set: Identifier
    method: MultiScenario = MultiScenario()
    minimum_probability: Annotated[float, Field(gt=0, le=1)] = 0.5
    watercourse: Watercourse


class ClientConfiguration(Value):
    """Everything that a client's runs are made from, save the scenario sets."""

    client: ClientId
    market: Market
    portfolio: Portfolio
    cut_offs: CutOffPolicy = CutOffPolicy()
    approval: Literal["automatic"] = "automatic"
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

    def asset(self, asset: AssetId) -> AssetConfiguration:
        """Return the configuration of one asset; KeyError where there is none."""
        return {candidate.asset: candidate for candidate in self.assets}[asset]

    def cut_offs_of(self, day: date) -> CutOffs:
        """Return the cut-offs of a delivery day, counted back from its gate closure."""
        gate = self.market.gate(day)
        return CutOffs(
            solve=gate - timedelta(minutes=self.cut_offs.solve),
            approval=gate - timedelta(minutes=self.cut_offs.approval),
            submission=gate - timedelta(minutes=self.cut_offs.submission),
            gate=gate,
        )
