"""Inputs become the client's current ones: stored by content, then pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hydrobid.domain.base import Value
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import Identifier
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.ports import Clock, Documents, Put, Transaction


class CurrentInputs(Value):
    """What runs are planned from. as_of: market time of publication; digests of the contents."""

    as_of: datetime
    configuration: str
    scenario_sets: dict[Identifier, str]


def publish_inputs(
    documents: Documents,
    clock: Clock,
    configuration: Mapping[str, Any],
    scenario_sets: Mapping[str, Mapping[str, Any]],
) -> CurrentInputs:
    """Store a client's documents and make them current; equal content keeps its `as_of`."""
    stored_configuration = put_blob(documents, configuration)
    stored_sets = {
        Identifier(name): put_blob(documents, content)
        for name, content in sorted(scenario_sets.items())
    }

    def replace(transaction: Transaction) -> CurrentInputs:
        stored = transaction.get(paths.INPUTS)
        before = None if stored is None else CurrentInputs.from_document(stored)
        # Published now, and not when storing the contents began: the last to publish is current.
        inputs = CurrentInputs(
            as_of=clock.now(), configuration=stored_configuration, scenario_sets=stored_sets
        )
        if before is not None and before.model_copy(update={"as_of": inputs.as_of}) == inputs:
            return before
        transaction.write(Put(paths.INPUTS, inputs.to_document()))
        return inputs

    return documents.transact(replace)


def current_inputs(documents: Documents) -> CurrentInputs:
    """Return what runs are planned from; raise NotFound before anything was published."""
    stored = documents.get(paths.INPUTS)
    if stored is None:
        raise NotFound("no inputs were published for this client yet", path=paths.INPUTS)
    return CurrentInputs.from_document(stored)


def has_inputs(documents: Documents) -> bool:
    """Return whether anything was ever published for this client."""
    return documents.get(paths.INPUTS) is not None
