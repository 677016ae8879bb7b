"""Whether what a day is planned from is as fresh as the client asks for, and who is told where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import InputsStale
from hydrobid.domain.identifiers import Identifier, RunId
from hydrobid.domain.records import Alert
from hydrobid.domain.series import IfStale, SeriesKind, SeriesVersion
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import Still, raise_alert, resolve_alerts, through_revisions
from hydrobid.pipeline.day_scenarios import FallenBack
from hydrobid.pipeline.ports import Clock, Documents
from hydrobid.pipeline.publish_inputs import CurrentInputs


@dataclass(frozen=True)
class Lack:
    """A series that is too old, or was never told. words: what is so. if_stale: what is done then."""

    subject: str
    words: str
    if_stale: IfStale


@dataclass(frozen=True)
class Freshness:
    """What a client's policies ask for, by subject of alerts, and what of it is lacking."""

    asked: tuple[str, ...]
    lacks: tuple[Lack, ...]

    @property
    def refusal(self) -> InputsStale | None:
        """Why no run may be planned, None where one may."""
        refusing = [lack for lack in self.lacks if lack.if_stale is IfStale.REFUSE]
        if not refusing:
            return None
        words = "; ".join(lack.words for lack in refusing)
        return InputsStale(words, series=[lack.subject for lack in refusing])


def freshness_of(
    current: CurrentInputs,
    configuration: ClientConfiguration,
    measured: Mapping[Identifier, datetime],
    fallen_back: FallenBack,
    now: datetime,
) -> Freshness:
    """Return how fresh what a day is planned from is at an instant.

    measured: when the level of a reservoir was. fallen_back: why scenarios that arrived do not serve.
    """
    asked: list[str] = []
    lacks: list[Lack] = []
    for kind, policy in sorted(configuration.inputs.freshness.items()):
        versions = dict(_asked(kind, current, configuration))
        asked.append(str(kind))
        if not versions:
            lacks.append(Lack(str(kind), f"no {kind} have arrived yet", policy.if_stale))
        for name, version in versions.items():
            subject = f"{kind}~{name}"
            asked.append(subject)
            known = _known(kind, name, version, measured)
            if (why := fallen_back.get(kind, {}).get(name)) is not None:
                words = f"{kind} of {name} do not hold the day: {why}"
            elif known is None:
                words = f"no {kind} of {name} have arrived yet"
            elif now - known > policy.span:
                words = _age(kind, name, known, now - known, policy.hours)
            else:
                continue
            lacks.append(Lack(subject, words, policy.if_stale))
    return Freshness(tuple(asked), tuple(lacks))


def tell_refusal(
    documents: Documents, clock: Clock, run: RunId, freshness: Freshness, still: Still
) -> None:
    """Tell what kept a day from being planned, where it `still` does. run: any revision of the day."""
    context = {"day": run.day.isoformat()}
    for lack in freshness.lacks:
        if lack.if_stale is IfStale.REFUSE:
            cause = Cause(_day(run), AlertCode.INPUTS_LACKING, lack.subject)
            raise_alert(documents, clock, cause, lack.words, context, still=still)


def tell_of_plan(documents: Documents, clock: Clock, run: RunId, freshness: Freshness) -> None:
    """Tell on what a run was planned all the same, and resolve what has gone."""
    lacking = {lack.subject for lack in freshness.lacks}
    for lack in freshness.lacks:
        cause = Cause(str(run), AlertCode.INPUTS_STALE, lack.subject)
        raise_alert(documents, clock, cause, lack.words, {"day": run.day.isoformat()})
    told = map(Alert.from_document, documents.find(paths.ALERTS, run=_day(run)).values())
    ended = (AlertCode.INPUTS_LACKING, AlertCode.INPUTS_UNUSED)
    gone = [alert.cause for alert in told if alert.code in ended]
    for subject in freshness.asked:
        if subject not in lacking:
            gone += through_revisions(run, AlertCode.INPUTS_STALE, subject)
    resolve_alerts(documents, clock, gone)


def unused_in(run: RunId) -> Cause:
    """Return the cause to tell of inputs that are in no run of a day; planning one from them ends it."""
    return Cause(_day(run), AlertCode.INPUTS_UNUSED, _day(run))


def _asked(
    kind: SeriesKind, current: CurrentInputs, configuration: ClientConfiguration
) -> Iterator[tuple[Identifier, SeriesVersion | None]]:
    """Yield the names for which a kind is asked for, and the version that there is."""
    known = current.series.get(kind, {})
    assets = configuration.assets
    sets = {asset.scenario_set for asset in assets}
    match kind:
        case SeriesKind.PRICES:
            for name in sorted(sets):
                yield name, known.get(name)
            return
        case SeriesKind.SCENARIO_INFLOWS:
            names = sets
        case SeriesKind.OBLIGATIONS:
            names = {Identifier(asset.asset) for asset in assets}
        case _:
            names = {r.name for asset in assets for r in asset.watercourse.reservoirs}
    # Of these a client may have some only: those that have arrived before are expected again.
    yield from ((name, version) for name, version in sorted(known.items()) if name in names)


def _known(
    kind: SeriesKind,
    name: Identifier,
    version: SeriesVersion | None,
    measured: Mapping[Identifier, datetime],
) -> datetime | None:
    """Return since when a series tells what it tells; None where none has come."""
    if version is None or kind is not SeriesKind.LEVELS:
        return None if version is None else version.published
    return min(version.published, measured.get(name, version.published))


def _age(kind: SeriesKind, name: str, known: datetime, age: timedelta, hours: float) -> str:
    verb = "measured" if kind is SeriesKind.LEVELS else "published"
    return (
        f"{kind} of {name} were {verb} at {utc_text(known.replace(microsecond=0))}, "
        f"{age / timedelta(hours=1):.1f} h ago: more than {hours:g} h"
    )


def _day(run: RunId) -> str:
    return f"{run.market}~{run.day.isoformat()}"
