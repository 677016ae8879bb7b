"""Which scenarios an asset's bid does without, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hydrobid.bidding.coverage import PROBABILITY_DECIMALS
from hydrobid.domain.base import Value
from hydrobid.domain.canonical import rounded
from hydrobid.domain.identifiers import AssetId, PriceArea, ScenarioId
from hydrobid.domain.plan import AssetPlan
from hydrobid.domain.records import AssetRecord, ScenarioOutcome
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import AssetState, OutcomeState
from hydrobid.pipeline.joint_bid import JOINT_USED

UNSETTLED = "NOT_SETTLED"


class Absence(Value):
    """Scenarios that a bid does without for one reason.

    probability: of all of them. message, details: what the solver said of the first of them, where
    it said anything.
    """

    reason: str
    scenarios: tuple[ScenarioId, ...]
    probability: float
    message: str | None
    details: dict[str, object]


class AssetOutcome(Value):
    """What an asset's bid rests on.

    state: None where it has not been settled. joint: SOLVED where the bid is what a joint task found
    of all scenarios together, so that it does without none; else why not, None where there is no
    such task. planned, solved, probability: of scenarios that are solved one by one. late: those
    that were solved only after the bid was made from the others. unsafe: why the scenarios gave no
    bid. fallback: what the bid comes from instead. stand_in: why independent scenarios stand in for
    a joint task.
    """

    asset: AssetId
    price_area: PriceArea
    state: AssetState | None
    cause: str | None
    joint: str | None
    unsafe: str | None
    fallback: str | None
    stand_in: str | None
    planned: int
    solved: int
    probability: float
    absences: tuple[Absence, ...]
    late: tuple[ScenarioId, ...]

    @property
    def whole(self) -> bool:
        """Whether the bid rests on every planned scenario."""
        return self.state is AssetState.COMPLETE


def asset_outcome(
    asset: AssetPlan,
    record: AssetRecord | None,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    scenarios: ScenarioSet,
) -> AssetOutcome:
    """Return what an asset's bid rests on; where it has none yet, what has been solved so far."""
    solved = {s for s, outcome in outcomes.items() if outcome.state is OutcomeState.SOLVED}
    missing = _missing(asset, record, outcomes)
    used = [scenario for scenario in asset.scenarios if scenario not in missing]
    if record is not None and record.joint == JOINT_USED:
        missing = {}
    return AssetOutcome(
        asset=asset.asset,
        price_area=asset.price_area,
        state=None if record is None else record.state,
        cause=None if record is None else record.cause,
        joint=None if record is None else record.joint,
        unsafe=None if record is None else record.unsafe,
        fallback=None if record is None else record.fallback,
        stand_in=None if record is None else record.stand_in,
        planned=len(asset.scenarios),
        solved=len(used),
        probability=_probability(scenarios, used),
        absences=tuple(_absences(missing, outcomes, scenarios)),
        late=tuple(scenario for scenario in missing if scenario in solved),
    )


def _missing(
    asset: AssetPlan,
    record: AssetRecord | None,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
) -> dict[ScenarioId, str]:
    """Return why scenarios are not in the bid; the record tells of the time when it was made."""
    if record is not None:
        told = record.coverage.missing  # in no order: a stored map keeps none
        return {scenario: told[scenario] for scenario in asset.scenarios if scenario in told}
    missing = {}
    for scenario in asset.scenarios:
        outcome = outcomes.get(scenario)
        if outcome is None:
            missing[scenario] = UNSETTLED
        elif outcome.failure is not None:
            missing[scenario] = str(outcome.failure["code"])
    return missing


def _absences(
    missing: Mapping[ScenarioId, str],
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    scenarios: ScenarioSet,
) -> Iterator[Absence]:
    for reason in sorted(set(missing.values())):
        concerned = tuple(scenario for scenario, why in missing.items() if why == reason)
        failures = (outcomes[s].failure for s in concerned if s in outcomes)
        first = next((failure for failure in failures if failure is not None), None)
        yield Absence(
            reason=reason,
            scenarios=concerned,
            probability=_probability(scenarios, concerned),
            message=None if first is None else first["message"],
            details={} if first is None else first["details"],
        )


def _probability(scenarios: ScenarioSet, some: tuple[ScenarioId, ...] | list[ScenarioId]) -> float:
    total = sum(scenarios.probability_of(scenario) for scenario in some)
    return rounded(total, PROBABILITY_DECIMALS)
