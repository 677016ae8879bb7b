"""The plan of a run: what is solved, by when, from which inputs. Never changed once written."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import (
    AssetId,
    ClientId,
    Identifier,
    Portfolio,
    PriceArea,
    RunId,
    ScenarioId,
    TaskId,
)
from hydrobid.domain.series import Known
from hydrobid.domain.stages import CutOffs

SOLVES_DAYS_MIN, SOLVES_DAYS_MAX = 30, 3650
"""The fewest and the most days that what was solved for a run is kept: a month, in which a day is
looked into, to ten years. Results and benchmarks look back three days, and at what is kept for ever.
"""


class Task(Value):
    """A kind of work for an asset; the workflow and the solver know no method.

    independent: each of its scenarios is solved by itself and has an outcome of its own. joint: one
    outcome comes of all that the asset's method takes together; no scenario is named.
    """

    id: TaskId
    kind: Literal["independent", "joint"] = "independent"
    scenarios: tuple[ScenarioId, ...] = ()

    @model_validator(mode="after")
    def _scenarios_by_kind(self) -> Self:
        if bool(self.scenarios) == (self.kind == "joint"):
            raise ValueError("scenarios in an independent task, and none in a joint one")
        return self


class AssetPlan(Value):
    """What one asset's bid needs; no tasks where it needs no solving.

    scenario_set: of the client. Its method says which set derived from it the tasks are about.
    """

    asset: AssetId
    price_area: PriceArea
    scenario_set: Identifier
    tasks: tuple[Task, ...]

    @property
    def scenarios(self) -> tuple[ScenarioId, ...]:
        """Every scenario that some task solves, in the order of dispatch, each once."""
        return tuple(dict.fromkeys(scenario for task in self.tasks for scenario in task.scenarios))

    @property
    def joint(self) -> Task | None:
        """The joint task, None where its method has none."""
        return next((task for task in self.tasks if task.kind == "joint"), None)

    def task(self, task: TaskId) -> Task | None:
        """Return one task, or None where the plan has none of that id."""
        return next((candidate for candidate in self.tasks if candidate.id == task), None)


class Inputs(Value):
    """The content that a run is made from, by digest: equal inputs make the same revision.

    position: None where the delivery day stands by itself.
    """

    configuration: str
    scenario_sets: dict[Identifier, str]
    position: Annotated[str | None, Field(exclude_if=lambda digest: digest is None)] = None


class Plan(Value):
    """A revision's plan. as_of: when the newest of its inputs became known, market time.

    series: the version of each series that arrived by itself and is in its inputs, by kind and name.
    kept_until: from then on what was solved for it, and the log of that, may be gone; None: never.
    """

    client: ClientId
    run: RunId
    as_of: datetime
    planned_at: datetime
    inputs: Inputs
    series: Annotated[Known, Field(exclude_if=lambda known: not known)] = Field(
        default_factory=dict
    )
    portfolio: Portfolio
    cut_offs: CutOffs
    kept_until: Annotated[datetime | None, Field(exclude_if=lambda instant: instant is None)] = None
    assets: Annotated[tuple[AssetPlan, ...], Field(min_length=1)]

    @property
    def price_areas(self) -> tuple[PriceArea, ...]:
        """The price areas that get a bid, sorted."""
        return tuple(sorted({asset.price_area for asset in self.assets}))

    def expired(self, now: datetime) -> bool:
        """Whether what was solved for it may be gone."""
        return self.kept_until is not None and now >= self.kept_until

    def asset(self, asset: AssetId) -> AssetPlan | None:
        """Return one asset's plan, or None where the run has no such asset."""
        return next((candidate for candidate in self.assets if candidate.asset == asset), None)

    def assets_in(self, area: PriceArea) -> tuple[AssetPlan, ...]:
        """Return the plans of the assets that are bid in one price area."""
        return tuple(asset for asset in self.assets if asset.price_area == area)
