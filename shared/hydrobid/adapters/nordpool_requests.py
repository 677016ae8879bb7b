"""The forms of what is sent to Nord Pool's Auction API, by which a request is checked before it leaves."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from hydrobid.domain.errors import ExchangeRefused

Name = Annotated[str, Field(min_length=1)]


class _Form(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class CurvePoint(_Form):
    """A point of a curve, in the exchange's sign."""

    price: FiniteFloat
    volume: FiniteFloat


class Curve(_Form):
    """The curve of one contract: both price limits at least."""

    contract_id: Name
    curve_points: Annotated[list[CurvePoint], Field(min_length=2)]


class CurveOrder(_Form):
    """A new curve order."""

    auction_id: Name
    portfolio: Name
    area_code: Name
    comment: str
    curves: Annotated[list[Curve], Field(min_length=1)]


class CurveOrderChange(_Form):
    """What takes the place of a standing order's curves."""

    curves: Annotated[list[Curve], Field(min_length=1)]
    comment: str


def formed(form: type[BaseModel], content: dict[str, Any]) -> dict[str, Any]:
    """Return a request's content where it is of a form.

    Raises:
        ExchangeRefused: it is not, and is not worth sending; the details name each field.
    """
    try:
        form.model_validate(content)
    except ValidationError as error:
        faults = [
            {"field": ".".join(map(str, fault["loc"])), "expected": fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        named = "; ".join(f"{fault['field']}: {fault['expected']}" for fault in faults)
        raise ExchangeRefused(f"the request is of another form: {named}", faults=faults) from None
    return content
