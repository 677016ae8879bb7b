"""Nearest-neighbour search (`find_nearest`): every vector that a query finds is measured.

Documents come nearest first, with the dot product largest first; equal ones stay in the query's
order, and distances that are no number come last. Documents without a vector of the asked length at
the field are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.fields import FieldPath, lookup, parse_path
from emulators.firestore.messages import Message, StructuredQuery
from emulators.firestore.values import is_number, is_vector, vector_elements

_MOST_DIMENSIONS: Final = 2_048
_MOST_RESULTS: Final = 1_000
_RESERVED = re.compile(r"__.*__\Z", re.DOTALL)
_Measure: TypeAlias = Callable[[list[float], list[float]], float]


@dataclass(frozen=True, slots=True)
class Nearest:
    """A checked FindNearest. `result_field` is the top-level field that gets the distance."""

    path: FieldPath
    vector: list[float]
    measure: _Measure
    larger_is_nearer: bool
    limit: int
    threshold: float | None
    result_field: str


def plan_nearest(message: Message) -> Nearest:
    """Return the checked form of a FindNearest; raises InvalidArgumentError."""
    measures = StructuredQuery.FindNearest.DistanceMeasure
    known: dict[int, _Measure] = {
        measures.Value("EUCLIDEAN"): math.dist,
        measures.Value("COSINE"): _cosine_distance,
        measures.Value("DOT_PRODUCT"): _dot,
    }
    if message.distance_measure not in known:
        raise InvalidArgumentError("FindNearest.distance_measure is not set to a known measure.")
    vector = _elements(message.query_vector)
    if vector is None:
        raise InvalidArgumentError("FindNearest.query_vector is not a vector.")
    if not 0 < len(vector) <= _MOST_DIMENSIONS:
        raise InvalidArgumentError(
            f"FindNearest.query_vector must have 1 to {_MOST_DIMENSIONS} dimensions, "
            f"not {len(vector)}."
        )
    limit = message.limit.value
    if not message.HasField("limit") or not 0 < limit <= _MOST_RESULTS:
        raise InvalidArgumentError(
            f"FindNearest.limit must be a positive integer of no more than {_MOST_RESULTS}, "
            f"not {limit}."
        )
    if _RESERVED.match(message.distance_result_field):
        raise InvalidArgumentError(
            f'The distanceResultField.property.name "{message.distance_result_field}" is reserved.'
        )
    threshold = message.distance_threshold
    return Nearest(
        parse_path(message.vector_field.field_path),
        vector,
        known[message.distance_measure],
        message.distance_measure == measures.Value("DOT_PRODUCT"),
        limit,
        threshold.value if message.HasField("distance_threshold") else None,
        message.distance_result_field,
    )


def nearest_documents(nearest: Nearest, documents: Iterable[Message]) -> Iterator[Message]:
    """Yield the nearest of a query's Documents, with their distances where they are asked for."""
    measured: list[tuple[float, Message]] = []
    for document in documents:
        value = lookup(document.fields, nearest.path)
        elements = None if value is None else _elements(value)
        if elements is not None and len(elements) == len(nearest.vector):
            distance = nearest.measure(elements, nearest.vector)
            if _is_within(nearest, distance):
                measured.append((distance, document))
    measured.sort(key=lambda pair: _rank(nearest, pair[0]))
    for distance, document in measured[: nearest.limit]:
        if nearest.result_field:
            document.fields[nearest.result_field].double_value = distance
        yield document


def _rank(nearest: Nearest, distance: float) -> tuple[bool, float]:
    if math.isnan(distance):
        return True, 0.0
    return False, -distance if nearest.larger_is_nearer else distance


def _is_within(nearest: Nearest, distance: float) -> bool:
    if nearest.threshold is None:
        return True
    if nearest.larger_is_nearer:
        return distance >= nearest.threshold
    return distance <= nearest.threshold


def _elements(value: Message) -> list[float] | None:
    """Return the numbers of a vector Value; None when it is no vector."""
    if not value.HasField("map_value") or not is_vector(value.map_value.fields):
        return None
    elements = vector_elements(value.map_value.fields)
    if not all(is_number(element) for element in elements):
        return None
    return [
        float(element.integer_value if element.HasField("integer_value") else element.double_value)
        for element in elements
    ]


def _dot(left: list[float], right: list[float]) -> float:
    return sum(ours * theirs for ours, theirs in zip(left, right, strict=True))


def _cosine_distance(left: list[float], right: list[float]) -> float:
    lengths = math.sqrt(_dot(left, left)) * math.sqrt(_dot(right, right))
    return 1.0 - _dot(left, right) / lengths if lengths else math.nan
