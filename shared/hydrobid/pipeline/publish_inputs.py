"""Inputs become the client's current ones: stored by content, then pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.series import OF_SCENARIOS, Known
from hydrobid.domain.watercourse import UNSTATED
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.ports import Clock, Documents, Put, Transaction


class CurrentInputs(Value):
    """What runs are planned from: digests of contents.

    as_of: market time at which the newest of it became known, later with each change. configured:
    when the client's documents were last published, None where nothing has come since. series: what
    arrived by itself, and goes before what the documents state.
    """

    as_of: datetime
    configuration: str
    scenario_sets: dict[Identifier, str]
    configured: Annotated[datetime | None, UNSTATED] = None
    series: Annotated[Known, UNSTATED] = Field(default_factory=dict)

    @property
    def state_at(self) -> datetime:
        """When the state of the water that the documents tell of holds."""
        return self.configured or self.as_of


def publish_inputs(
    documents: Documents,
    clock: Clock,
    configuration: Mapping[str, Any],
    scenario_sets: Mapping[str, Mapping[str, Any]],
) -> CurrentInputs:
    """Store a client's documents and make them current; equal content keeps its `as_of`.

    Of scenarios the last that were published count: a scenario set whose content has changed takes the
    place of prices and inflows that arrived before.
    """
    stored_configuration = put_blob(documents, configuration)
    stored_sets = {
        Identifier(name): put_blob(documents, content)
        for name, content in sorted(scenario_sets.items())
    }

    def replace(transaction: Transaction) -> CurrentInputs:
        stored = transaction.get(paths.INPUTS)
        before = None if stored is None else CurrentInputs.from_document(stored)
        series = {} if before is None else _still_newest(before, stored_sets)
        # Published now, and not when storing the contents began: the last to publish is current.
        inputs = CurrentInputs(
            as_of=known_now(clock, before),
            configuration=stored_configuration,
            scenario_sets=stored_sets,
            series=series,
        )
        same = {"configuration", "scenario_sets"}
        if before is not None and before.model_dump(include=same) == inputs.model_dump(
            include=same
        ):
            return before
        transaction.write(Put(paths.INPUTS, inputs.to_document()))
        return inputs

    return documents.transact(replace)


def known_now(clock: Clock, before: CurrentInputs | None) -> datetime:
    """Return when what becomes current now became known: later than what it takes the place of.

    Machines that publish need not agree on the time, and a run is made anew of what is newer only.
    """
    now = clock.now()
    return now if before is None else max(now, before.as_of + timedelta(microseconds=1))


def _still_newest(before: CurrentInputs, sets: Mapping[Identifier, str]) -> Known:
    """Return the series that arrived and still count beside newly published scenario sets."""
    found: Known = {}
    for kind, known in before.series.items():
        kept = {
            name: version
            for name, version in known.items()
            if kind not in OF_SCENARIOS
            or (name in sets and before.scenario_sets.get(name) == sets[name])
        }
        if kept:
            found[kind] = kept
    return found


def current_inputs(documents: Documents) -> CurrentInputs:
    """Return what runs are planned from; raise NotFound before anything was published."""
    stored = documents.get(paths.INPUTS)
    if stored is None:
        raise NotFound("no inputs were published for this client yet", path=paths.INPUTS)
    return CurrentInputs.from_document(stored)


def has_inputs(documents: Documents) -> bool:
    """Return whether anything was ever published for this client."""
    return documents.get(paths.INPUTS) is not None
