"""Why an outcome is absent, as far as the attempts at its task tell."""

from __future__ import annotations

from collections.abc import Sequence

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import RunId, ScenarioId
from hydrobid.domain.plan import AssetPlan
from hydrobid.domain.records import DEATHS_BEFORE_SKIPPING, Attempt
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents


def reasons_of_absence(
    documents: Documents, run: RunId, asset: AssetPlan, absent: list[ScenarioId]
) -> dict[ScenarioId, str]:
    """Return why scenarios have no outcome, as far as the attempts at their tasks tell.

    Where one of the asset's cannot be read, that is all that is told.
    """
    stored = documents.find(paths.attempts(run))
    own = [document for name, document in stored.items() if name.startswith(f"{asset.asset}~")]
    try:
        attempts = sorted(map(Attempt.from_document, own), key=lambda a: a.number)
    except CorruptDocument as error:
        return dict.fromkeys(absent, error.code)
    return {
        scenario: reason_of([a for a in attempts if a.task == f"{asset.asset}~{task.id}"], scenario)
        for task in asset.tasks
        for scenario in task.scenarios
        if scenario in absent
    }


def reason_of(attempts: Sequence[Attempt], scenario: ScenarioId | None) -> str:
    """Return why a scenario has no outcome after the attempts at its task, the first one first.

    scenario: None of a joint task, whose attempts have none at hand.
    """
    if not attempts:
        return "NOT_STARTED"
    deaths = [attempt for attempt in attempts if attempt.died and attempt.at_hand == scenario]
    if len(deaths) >= DEATHS_BEFORE_SKIPPING:
        return "SKIPPED"
    *_, last = deaths or attempts
    if last.error is not None and (deaths or not last.died):
        return str(last.error["code"])
    return "AT_HAND" if deaths else "NOT_REACHED"
