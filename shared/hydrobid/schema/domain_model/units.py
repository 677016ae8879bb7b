"""Units of an operator's figures to the canonical ones, by pint.

Texts of units come from outside and pint's reader takes whole formulas, so only products of named
units with small powers are handed to it. Currencies are units of their own: no rate is assumed.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

CURRENCY = "currency"
_FACTOR = r"(?:[A-Za-zµ°%][A-Za-z_µ]{0,30}[23]?|[%1])(?:\^-?[1-9])?"
_UNIT = re.compile(rf"{_FACTOR}(?:[*/]{_FACTOR}){{0,7}}")
_POWERS = re.compile(r"[A-Za-zµ_]+[23]")
_RULE = "a unit, as m3/s, Mm3, kWh/m3 or EUR/MWh: names with *, / and small powers, as m^2"
# Lengths as the trade writes their powers: Mm3 is a million m3, all others are cubes of the length.
_DEFINED = {"Mm3": "1e6 * meter**3"} | {
    f"{length}{power}": f"{length}**{power}"
    for length in ("m", "km", "hm", "dam", "dm", "cm", "mm", "ft")
    for power in (2, 3)
}
_CURRENCIES = (CURRENCY, "EUR", "NOK", "SEK", "DKK", "ISK", "GBP", "CHF", "PLN", "USD", "CAD")
_SIGNIFICANT = 12
_LARGEST = 1e100
_PLAIN = frozenset(("Mm3", "m", "m3/s", "m3/s/h", "MW", "%", "1", "min", "s", "h"))


class NoConversion(ValueError):
    """Two units do not measure the same, or one of them is unknown."""


def _known(text: str) -> str:
    if text in _PLAIN:  # what most models state loads no library
        return text
    try:
        _parsed(text)
    except NoConversion as error:
        raise ValueError(str(error)) from None
    return text


UnitText = Annotated[str, Field(max_length=60), AfterValidator(_known)]


@lru_cache(maxsize=1024)
def factor(source: str, target: str, currency: str = CURRENCY) -> float:
    """Return by what a number of `source` is multiplied to be one of `target`.

    currency: what `currency` in `target` stands for.

    Raises:
        NoConversion: they do not measure the same, or differ by more than a factor.
    """
    target = re.sub(rf"\b{CURRENCY}\b", currency, target)
    if source == target:
        return 1.0
    here, there = _parsed(source), _parsed(target)
    import pint  # noqa: PLC0415 - a second that only a conversion is worth

    try:
        one, none = (float(_registry().Quantity(x, here).to(there).magnitude) for x in (1.0, 0.0))
    except pint.errors.PintError:
        raise NoConversion(f"{source} does not measure what {target} does") from None
    if none != 0:
        raise NoConversion(f"{source} and {target} have different zeros")
    return one


def converted(value: Any, by: float) -> Any:
    """Return a number, or all of a list or series, multiplied; rounded to what that is good for.

    What is no number is returned as it is: the canonical form refuses it by its own name.
    """
    if by == 1.0:
        return value
    if isinstance(value, list):
        return [converted(part, by) for part in value]
    if isinstance(value, dict):
        return {key: converted(part, by) for key, part in value.items()}
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return value
    return float(f"{float(value) * by:.{_SIGNIFICANT}g}")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Any:
    """Return a unit as pint has it. Raises NoConversion."""
    if not _UNIT.fullmatch(text):
        raise NoConversion(_RULE)
    for name in _POWERS.findall(text):
        if name not in _DEFINED:  # pint would read hm3 as a hundred m3
            raise NoConversion(f"{_RULE}; {name} is none of {', '.join(_DEFINED)}")
    import pint  # noqa: PLC0415 - see above

    try:
        return _registry().parse_units("dimensionless" if text == "1" else text)
    except (pint.errors.PintError, ValueError, TypeError, AttributeError):
        raise NoConversion(f"{_RULE}; {text} is not known") from None


@cache
def _registry() -> Any:
    import pint  # noqa: PLC0415 - see above

    registry: Any = pint.UnitRegistry()
    for name, meaning in _DEFINED.items():
        registry.define(f"{name} = {meaning}")
    for currency in _CURRENCIES:
        registry.define(f"{currency} = [{currency}]")
    return registry
