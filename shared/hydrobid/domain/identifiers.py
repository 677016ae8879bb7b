"""Identifiers: checked once where they enter, derived from content ever after.

Document ids join parts with `~`, so no part may hold one; none may hold `/`, which separates the
levels of a Firestore path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hydrobid.domain.errors import InvalidInput


class Identifier(str):
    """A string of a checked form; its own type, so that two kinds are not mixed up."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
    rule: ClassVar[str] = "letters, digits, '_', '.' and '-', at most 80, a letter or digit first"

    def __new__(cls, value: str) -> Self:
        if not cls.pattern.fullmatch(value):
            raise InvalidInput.of("identifier", cls.__name__, value, cls.rule)
        return super().__new__(cls, value)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def check(value: str) -> Identifier:
            if not cls.pattern.fullmatch(value):
                raise ValueError(cls.rule)
            return str.__new__(cls, value)

        return core_schema.no_info_after_validator_function(
            check,
            core_schema.str_schema(),
            serialization=core_schema.to_string_ser_schema(),
        )


class ClientId(Identifier):
    """A client of the platform; also names its database, topics, functions and workflows.

    With a function's name behind it, it must fit the 30 characters of a service account's id.
    """

    __slots__ = ()
    pattern = re.compile(r"[a-z][a-z0-9-]{1,17}[a-z0-9]")
    rule = "3 to 19 lower-case letters, digits and '-', a letter first, no '-' last"


class MarketId(Identifier):
    """A market: one auction a delivery day under one set of rules."""

    __slots__ = ()


class AssetId(Identifier):
    """An asset that is bid as one: a watercourse."""

    __slots__ = ()


class ScenarioId(Identifier):
    """A scenario within its set."""

    __slots__ = ()


class TaskId(Identifier):
    """A task within an asset's plan."""

    __slots__ = ()


class PriceArea(Identifier):
    """A bidding zone, as NO2."""

    __slots__ = ()


class Portfolio(Identifier):
    """The account at the exchange in whose name an order stands."""

    __slots__ = ()
    pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}")
    rule = "letters, digits, spaces, '_', '.' and '-', at most 80, a letter or digit first"


@dataclass(frozen=True, order=True)
class RunId:
    """One revision of a market's bid for a delivery day, written `market~YYYY-MM-DD~rN`.

    >>> str(RunId.parse("nordic~2026-03-29~r2"))
    'nordic~2026-03-29~r2'
    """

    market: MarketId
    day: date
    revision: int

    def __post_init__(self) -> None:
        if self.revision < 1:
            raise InvalidInput.of("run", "revision", self.revision, "1 or more")

    @cached_property
    def _text(self) -> str:
        return f"{self.market}~{self.day.isoformat()}~r{self.revision}"

    def __str__(self) -> str:
        return self._text

    @cached_property
    def revisions(self) -> tuple[RunId, ...]:
        """The day's revisions up to this one, oldest first."""
        earlier = (RunId(self.market, self.day, n) for n in range(1, self.revision))
        return (*earlier, self)

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> RunId:
        """Return the run that `text` names, or raise InvalidInput."""
        match = re.fullmatch(r"([^~/]+)~(\d{4}-\d{2}-\d{2})~r([1-9]\d{0,5})", text)
        try:
            if match is None:
                raise ValueError
            return cls(MarketId(match[1]), date.fromisoformat(match[2]), int(match[3]))
        except ValueError:
            expected = "market~YYYY-MM-DD~rN, as nordic~2026-03-29~r1"
            raise InvalidInput.of("run", "id", text, expected) from None

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def read(value: Any) -> RunId:
            if isinstance(value, RunId):
                return value
            try:
                return cls.parse(str(value))
            except InvalidInput as error:
                raise ValueError(error.message) from error

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.to_string_ser_schema()
        )
