"""The forms of what is sent to Nord Pool's Auction API, by which a request is checked before it leaves."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from hydrobid.domain.errors import ExchangeRefused

Name = Annotated[str, Field(min_length=1)]


class Form(BaseModel):
    """A request's content, its names in camelCase; what is not of it is refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class CurvePoint(Form):
    """A point of a curve, in the exchange's sign."""

    price: FiniteFloat
    volume: FiniteFloat


class Curve(Form):
    """The curve of one contract: both price limits at least."""

    contract_id: Name
    curve_points: Annotated[list[CurvePoint], Field(min_length=2)]


class _NewOrder(Form):
    auction_id: Name
    portfolio: Name
    area_code: Name
    comment: str


class CurveOrder(_NewOrder):
    """A new curve order."""

    curves: Annotated[list[Curve], Field(min_length=1)]


class CurveOrderChange(Form):
    """What takes the place of a standing order's curves."""

    curves: Annotated[list[Curve], Field(min_length=1)]
    comment: str


class Period(Form):
    """What a block holds of one contract, in the exchange's sign."""

    contract_id: Name
    volume: FiniteFloat


class Block(Form):
    """A block, by its name within the order."""

    name: Name
    price: FiniteFloat
    minimum_acceptance_ratio: Annotated[FiniteFloat, Field(ge=0, le=1)]
    linked_to: Name | None
    exclusive_group: Name | None
    is_spread_block: bool
    periods: Annotated[list[Period], Field(min_length=1)]


class BlockOrder(_NewOrder):
    """A new order of blocks."""

    blocks: Annotated[list[Block], Field(min_length=1)]


class BlockOrderChange(Form):
    """Blocks that take the place of those of the same names in a standing order."""

    blocks: Annotated[list[Block], Field(min_length=1)]
    comment: str


def formed(form: type[Form], content: dict[str, Any]) -> dict[str, Any]:
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
