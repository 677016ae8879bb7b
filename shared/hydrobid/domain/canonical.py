"""One form for equal content: canonical JSON, digests and rounding.

Digests name content, so they must not depend on key order, on how a number was typed or on when
something was computed: timings never enter a digest.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hydrobid.domain.errors import CorruptDocument

POWER_DECIMALS = 6
MONEY_DECIMALS = 4
WATER_DECIMALS = 9

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(content: Any) -> bytes:
    """Return `content` as UTF-8 JSON with sorted keys, no spaces and shortest numbers.

    Whole floats are written as integers, so that 1 and 1.0 are the same content.

    Raises:
        CorruptDocument: content holds NaN, an infinity or something that JSON cannot hold.
    """
    try:
        return _ENCODER.encode(_normalised(content)).encode()
    except (TypeError, ValueError) as error:
        raise CorruptDocument(f"content has no canonical form: {error}") from error


def digest(content: Any) -> str:
    """Return the SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(content)).hexdigest()


def digest_of_bytes(content: bytes) -> str:
    """Return the SHA-256 of bytes that are canonical already, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def rounded(value: float, decimals: int) -> float:
    """Return `value` at `decimals` places with no negative zero: published numbers' form."""
    result = round(float(value), decimals)
    return 0.0 if result == 0 else result


def _normalised(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _normalised(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_normalised(value) for value in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content
