"""A client's folder whose watercourses and bid configuration are stated in the operator's own model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from hydrobid.domain.canonical import digest
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.planning_horizon import LONGEST_SPAN
from hydrobid.schema.client import CLIENT_FILE, ClientInputs
from hydrobid.schema.domain_model.assembly import Documents, documents_of
from hydrobid.schema.domain_model.mapping import Mapped
from hydrobid.schema.domain_model.model_forms import MappingForm, ModelForm
from hydrobid.schema.domain_model.operator_model import (
    MODEL_FIELD,
    OperatorModel,
    client_content,
    read_model,
)
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.folder import read_client
from hydrobid.schema.market_rules import market_of

OPERATOR = "operator"
DAYS_BEFORE, DAYS_AFTER = 2, 10
_FILES = {"instances", "series", "mapping", "fixtures"}


def read_operator_client(
    files: Mapping[str, bytes],
    folder: str,
    day: date | None = None,
    now: datetime | None = None,
) -> ClientInputs:
    """Return the inputs in a client's folder, in the canonical form or in the operator's own.

    files, folder: as `read_client`. day: the delivery day: series are kept as far as a bid of that
    day can need them. now: market time, of which the next open day counts where none is given; with
    neither, all is kept.

    What no rule reads is in the configuration's document under `operator`, for the operator's own
    policies and reports; the pipeline does not look there.

    Raises:
        InvalidInput: with every problem found, each where the operator's documents have it.
    """
    content = client_content(files, folder)
    if content is None or MODEL_FIELD not in content:
        return read_client(files, folder)
    operator = read_model(files, folder, content)
    mapped = operator.mapped(operator.instances())
    stated = {name: value for name, value in content.items() if name != MODEL_FIELD}
    if day is None and now is not None:
        day = _next_open_day(mapped, stated, now)
    documents = documents_of(mapped, stated, None if day is None else _days_needed(day, stated))
    operator.files.findings.raise_if_any()
    inputs = _read(documents, files, folder)
    configuration = {**inputs.configuration, OPERATOR: _told(operator, mapped)}
    return replace(inputs, configuration=configuration)


def _days_needed(day: date, client: Mapping[str, Any]) -> tuple[date, date]:
    """Return from which day on, and before which, a bid of a day can need values of series.

    The days before are the way to the day. Those after let the same inputs serve some later days,
    should nothing newer come, and go as far as the client's horizon.
    """
    horizon = client.get("horizon")
    after = horizon.get("after") if isinstance(horizon, dict) else None
    stretches = after if isinstance(after, list) else []
    spans = [stretch.get("hours") for stretch in stretches if isinstance(stretch, dict)]
    hours = sum(span for span in spans if isinstance(span, int) and 0 < span <= LONGEST_SPAN)
    return day - timedelta(days=DAYS_BEFORE), day + timedelta(days=DAYS_AFTER, hours=hours)


def _next_open_day(mapped: Mapped, client: Mapping[str, Any], now: datetime) -> date | None:
    """Return the market's next open day; None where it has faults, which its own reader tells."""
    made = [{"id": element.name, **element.fields} for element in mapped.of("market")]
    market = market_of(made[0] if made else client.get("market"), Place(Findings(), CLIENT_FILE))
    return None if market is None else market.next_open_day(now)


def _read(documents: Documents, files: Mapping[str, bytes], folder: str) -> ClientInputs:
    try:
        return read_client(files, folder, documents.contents)
    except InvalidInput as error:
        problems = [documents.told(problem, folder) for problem in error.problems]
        raise InvalidInput(problems) from None


def _told(operator: OperatorModel, mapped: Mapped) -> dict[str, Any]:
    """Return what is kept of the operator's model with what a run is made from."""
    return {
        "model": {"name": operator.model.model, "version": operator.model.version},
        "mapping": {"name": operator.mapping.mapping, "version": operator.mapping.version},
        "digest": digest([_content(operator.model), _content(operator.mapping)]),
        "carried": mapped.carried,
    }


def _content(form: ModelForm | MappingForm) -> dict[str, Any]:
    """Return what a form says, wherever its files lie."""
    return form.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_FILES)
