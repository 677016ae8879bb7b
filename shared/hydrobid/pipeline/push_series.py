"""Series that arrive by themselves become current: checked, stored by content, the newest counts.

Whatever order files arrive in, and however often, the same versions are current in the end: a version
is what its issuer published when, and the later published one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.base import Value
from hydrobid.domain.errors import Contended, CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import ClientId, Identifier
from hydrobid.domain.messages import InputsArrived
from hydrobid.domain.series import OF_SCENARIOS, SeriesKind, SeriesVersion
from hydrobid.domain.time import utc_text
from hydrobid.domain.watercourse import UNSTATED
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import raise_alert, resolve_alerts
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.ports import Clock, Documents, Messages, Put, Transaction
from hydrobid.pipeline.publish_inputs import CurrentInputs, current_inputs, known_now
from hydrobid.schema import ClientInputs, configuration_of
from hydrobid.schema.price_files import SourceFile
from hydrobid.schema.pushed_series import FileOfSeries, kind_in, series_in_file

AHEAD = timedelta(minutes=5)
"""How far another machine's clock may be ahead: what is published later yet has hidden all others."""


@dataclass(frozen=True)
class PushedFile:
    """A file of series. published: by its issuer; now, if None. by: who or what pushed it."""

    kind: SeriesKind
    file: SourceFile
    by: str
    published: datetime | None = None
    scenario_set: str | None = None


class Publication(Value):
    """A content of series that arrived. published: last, by its issuer. received: first, market time.

    spikes: problems as documents, each with the name of its `series`.
    """

    kind: SeriesKind
    content: str
    file: str
    names: tuple[Identifier, ...]
    published: datetime
    received: datetime
    by: str
    spikes: Annotated[tuple[dict[str, Any], ...], UNSTATED] = ()


@dataclass(frozen=True)
class Pushed:
    """What came of a file. outcome: whether it counts now, did already, or is older than what does."""

    outcome: Literal["new", "unchanged", "older"]
    publication: Publication

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"outcome": self.outcome, **self.publication.to_document()}


def push_series(
    documents: Documents, clock: Clock, messages: Messages, pushed: PushedFile
) -> Pushed:
    """Take a file of series, and tell of new scenarios.

    Raises:
        InvalidInput: the file is refused, with every problem. NotFound: no inputs were published yet,
            so that nobody knows what series there are. Contended: what it was held against changed.
    """
    base = current_inputs(documents)
    kind = kind_in(pushed.kind, pushed.file)
    inputs = _inputs_of(documents, base, kind)
    configuration = configuration_of(inputs.configuration)
    partners = _partners(documents, base, kind)
    found = series_in_file(kind, pushed.file, inputs, pushed.scenario_set, partners)
    if found.spikes and configuration.inputs.spikes == "refuse":
        raise InvalidInput([spike for _, spike in found.spikes])
    publication = _publication(pushed, found, put_blob(documents, found.content), clock.now())
    outcome, publication = documents.transact(lambda t: _take(t, clock, publication, base))
    if outcome != "older":
        _tell_spikes(documents, clock, configuration.client, publication)
    if kind in OF_SCENARIOS:
        # Also where nothing is new: whoever took the file before may have died before telling.
        messages.publish(InputsArrived(client=configuration.client))
    return Pushed(outcome, publication)


def publications(documents: Documents) -> list[Publication]:
    """Return every content of series that arrived, in order of publication."""
    found = map(Publication.from_document, documents.find(paths.PUBLICATIONS).values())
    return sorted(found, key=lambda one: (one.published, one.kind, one.content))


def _inputs_of(documents: Documents, base: CurrentInputs, kind: SeriesKind) -> ClientInputs:
    """Return the client's documents, scenario sets only where series are of these."""
    sets = base.scenario_sets if kind in OF_SCENARIOS else {}
    return ClientInputs(
        get_blob(documents, base.configuration),
        {str(name): get_blob(documents, digest) for name, digest in sets.items()},
    )


def _partners(
    documents: Documents, base: CurrentInputs, kind: SeriesKind
) -> dict[Identifier, dict[str, Any]]:
    """Return what scenarios of a kind have to fit of those that arrived, by scenario set."""
    return {
        name: get_blob(documents, version.content)["series"][name]
        for other in _partner_kinds(kind)
        for name, version in base.series.get(other, {}).items()
    }


def _partner_kinds(kind: SeriesKind) -> list[SeriesKind]:
    return [other for other in OF_SCENARIOS if other is not kind] if kind in OF_SCENARIOS else []


def _check_unmoved(publication: Publication, base: CurrentInputs, inputs: CurrentInputs) -> None:
    """Raise Contended where scenarios were held against others than those that count by now."""
    for name in publication.names:
        for other in _partner_kinds(publication.kind):
            before, now = (known.series.get(other, {}).get(name) for known in (base, inputs))
            same_set = base.scenario_sets.get(name) == inputs.scenario_sets.get(name)
            if before != now or not same_set:
                words = f"other scenarios of {name} arrived at the same moment: push these again"
                raise Contended(words, name=name)


def _publication(
    pushed: PushedFile, found: FileOfSeries, content: str, now: datetime
) -> Publication:
    published = (pushed.published or now).astimezone(UTC)
    if published > now + AHEAD:
        expected = f"no later than now, {utc_text(now.replace(microsecond=0))}"
        raise InvalidInput.of(pushed.file.name, "published", utc_text(published), expected)
    return Publication(
        kind=found.kind,
        content=content,
        file=pushed.file.name,
        names=found.names,
        published=published,
        received=now,
        by=pushed.by,
        spikes=tuple({"series": name, **spike.as_document()} for name, spike in found.spikes),
    )


def _take(
    transaction: Transaction, clock: Clock, publication: Publication, base: CurrentInputs
) -> tuple[Literal["new", "unchanged", "older"], Publication]:
    """Make series current where they are newer than what is. base: what they were checked against."""
    stored = transaction.get(paths.INPUTS)
    path = paths.publication(publication.kind, publication.content)
    known = transaction.get(path)
    if stored is None:
        raise CorruptDocument("the client's inputs are gone", path=paths.INPUTS)
    inputs = CurrentInputs.from_document(stored)
    _check_unmoved(publication, base, inputs)
    series = dict(inputs.series.get(publication.kind, {}))
    version = SeriesVersion(content=publication.content, published=publication.published)
    newer = [n for n in publication.names if n not in series or version.rank > series[n].rank]
    changed = [n for n in newer if n not in series or series[n].content != version.content]
    if known is not None:
        # First received counts, last published: the same content is one version.
        first = Publication.from_document(known)
        last = max(first.published, publication.published)
        publication = first.model_copy(update={"published": last})
    if newer:
        series |= dict.fromkeys(newer, version)
        update: dict[str, Any] = {"series": {**inputs.series, publication.kind: series}}
        if changed:
            update |= {"as_of": known_now(clock, inputs), "configured": inputs.state_at}
        transaction.write(Put(paths.INPUTS, inputs.model_copy(update=update).to_document()))
    transaction.write(Put(path, publication.to_document()))
    if changed:
        return "new", publication
    counts = all(series[name].content == publication.content for name in publication.names)
    return ("unchanged" if counts else "older"), publication


def _tell_spikes(
    documents: Documents, clock: Clock, client: ClientId, publication: Publication
) -> None:
    """Raise an alert for each series that has values which stick out, resolve those of the others."""
    spikes: dict[Identifier, list[dict[str, Any]]] = {name: [] for name in publication.names}
    for spike in publication.spikes:
        spikes[spike["series"]].append(spike)
    told = documents.find(paths.ALERTS, code=AlertCode.INPUT_SPIKE).values()
    unresolved = {alert["subject"] for alert in told if alert["resolved"] is None}
    for name, found in spikes.items():
        cause = Cause(client, AlertCode.INPUT_SPIKE, f"{publication.kind}~{name}")
        still = partial(_counts, publication, name)
        if found:
            words = (
                f"{publication.kind} of {name} in {publication.file}: {len(found)} values stick out, "
                f"{found[0]['field']} first: {found[0]['value']}"
            )
            context = {"content": publication.content, "spikes": found}
            raise_alert(documents, clock, cause, words, context, still=still)
        elif cause.subject in unresolved:
            resolve_alerts(documents, clock, [cause], still=still)


def _counts(publication: Publication, name: Identifier, transaction: Transaction) -> bool:
    """Return whether a series is still of this publication, for whoever tells of it late."""
    stored = transaction.get(paths.INPUTS)
    if stored is None:
        return False
    version = CurrentInputs.from_document(stored).series[publication.kind].get(name)
    return version is not None and version.content == publication.content
