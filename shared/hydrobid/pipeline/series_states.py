"""How each series stands that has arrived, or that a policy asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.series import SeriesKind
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.freshness import freshness_of
from hydrobid.pipeline.ports import Clock, Documents
from hydrobid.pipeline.publish_inputs import CurrentInputs, current_inputs
from hydrobid.pipeline.push_series import Publication
from hydrobid.schema import configuration_of
from hydrobid.schema.pushed_series import steps_in


class SeriesState(Value):
    """A series as it stands. published, content, file, by: of the version that counts, None where none
    has arrived. measured: the last time of a level. lacks: what its freshness policy finds, in words.
    """

    kind: SeriesKind
    name: str
    published: datetime | None = None
    measured: datetime | None = None
    content: str | None = None
    file: str | None = None
    by: str | None = None
    spikes: int = 0
    lacks: str | None = None
    if_stale: str | None = None


def series_states(documents: Documents, clock: Clock) -> list[SeriesState]:
    """Return the series in order of kind and name, those that a policy misses among them."""
    current = current_inputs(documents)
    configuration = configuration_of(get_blob(documents, current.configuration))
    measured = _measured(documents, current)
    found = freshness_of(current, configuration, measured, {}, clock.now())
    lacks = {lack.subject: lack for lack in found.lacks}
    states: dict[str, dict[str, Any]] = {}
    for subject in lacks:
        kind, _, name = subject.partition("~")
        states[subject] = {"kind": kind, "name": name}
    for kind, versions in current.series.items():
        for series, version in versions.items():
            stored = documents.get(paths.publication(kind, version.content))
            told = None if stored is None else Publication.from_document(stored)
            states[f"{kind}~{series}"] = {
                "kind": kind,
                "name": series,
                "published": version.published,
                "measured": measured.get(series) if kind is SeriesKind.LEVELS else None,
                "content": version.content,
                "file": None if told is None else told.file,
                "by": None if told is None else told.by,
                "spikes": 0 if told is None else len(told.spikes),
            }
    for subject, lack in lacks.items():
        states[subject] |= {"lacks": lack.words, "if_stale": str(lack.if_stale)}
    return [SeriesState(**state) for _, state in sorted(states.items())]


def _measured(documents: Documents, current: CurrentInputs) -> dict[Identifier, datetime]:
    """Return when the level of each reservoir was measured last, by what was published of it."""
    measured = {}
    for name, version in current.series.get(SeriesKind.LEVELS, {}).items():
        _, steps = steps_in(get_blob(documents, version.content), name)
        known = [time for time in steps.times if time <= version.published]
        if known:
            measured[name] = known[-1]
    return measured
