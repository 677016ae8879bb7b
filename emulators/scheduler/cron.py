"""Schedules in the unix-cron format: five fields that a wall clock matches or does not.

Source: Google's page "Cron job format and time zone", and crontab(5) where that page is silent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Self

_MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM: Final = re.compile(
    r"(?:\*|(?P<first>[0-9]{1,4}|[A-Z]{3})(?:-(?P<last>[0-9]{1,4}|[A-Z]{3}))?)(?:/(?P<step>[0-9]{1,4}))?"
)


class InvalidSchedule(ValueError):
    """A schedule or a time zone that cannot be; the message names field, value and what is right."""


@dataclass(frozen=True, slots=True)
class _Field:
    """The kind of one field: its name, its bounds, and the names that values may bear."""

    name: str
    lowest: int
    highest: int
    names: Sequence[str] = ()

    def parse(self, text: str) -> frozenset[int]:
        """Return the values that a comma-separated list of values, ranges and steps holds."""
        return frozenset(value for item in text.split(",") for value in self._item(item))

    def _item(self, text: str) -> range:
        match = _ITEM.fullmatch(text.upper())
        if match is None:
            raise self._wrong(text, "want *, a value, a range a-b, a step */n or a-b/n, or a list")
        first, last, step = match["first"], match["last"], match["step"]
        if step is not None and not int(step):
            raise self._wrong(text, "a step is at least 1")
        if first is None:
            return range(self.lowest, self.highest + 1, int(step or 1))
        if last is None and step is not None:
            raise self._wrong(text, f"a step follows * or a range: {first}-{self.highest}/{step}")
        start = self._value(first)
        end = start if last is None else self._value(last)
        if end < start:
            raise self._wrong(text, "a range begins with its lower value")
        return range(start, end + 1, int(step or 1))

    def _value(self, text: str) -> int:
        if text in self.names:
            return self.names.index(text) + self.lowest
        if not text.isdecimal() or not self.lowest <= int(text) <= self.highest:
            names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise self._wrong(text, f"want {self.lowest} to {self.highest}{names}")
        return int(text)

    def _wrong(self, text: str, what_is_right: str) -> InvalidSchedule:
        return InvalidSchedule(f"{self.name} {text!r}: {what_is_right}")


_MINUTE: Final = _Field("minute", 0, 59)
_HOUR: Final = _Field("hour", 0, 23)
_DAY: Final = _Field("day of the month", 1, 31)
_MONTH: Final = _Field("month", 1, 12, _MONTHS)
_WEEKDAY: Final = _Field("day of the week", 0, 7, _WEEKDAYS)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """The wall-clock minutes of a schedule, of which there is at least one in every leap year.

    weekdays: 0 for Sunday to 6. either_day: whether a date is right when the day of the month or
    the day of the week is (both fields are restricted), rather than when both are (one has a *).
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the schedule that the text holds, or raise `InvalidSchedule`."""
        fields = text.split()
        if len(fields) != 5:
            raise InvalidSchedule(
                f"schedule {text!r} has {len(fields)} fields: want minute, hour, day of the month,"
                " month, day of the week"
            )
        minute, hour, day, month, weekday = fields
        schedule = cls(
            _MINUTE.parse(minute),
            _HOUR.parse(hour),
            _DAY.parse(day),
            _MONTH.parse(month),
            frozenset(number % 7 for number in _WEEKDAY.parse(weekday)),
            either_day="*" not in day and "*" not in weekday,
        )
        if not schedule._comes():
            raise InvalidSchedule(f"schedule {text!r}: no month {month} has a day {day}")
        return schedule

    def on(self, day: date) -> bool:
        """Return whether the schedule has minutes on a date."""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (of_month or of_week) if self.either_day else (of_month and of_week)

    def at(self, moment: datetime) -> bool:
        """Return whether a wall clock that shows this moment is in a minute of the schedule."""
        return (
            moment.minute in self.minutes and moment.hour in self.hours and self.on(moment.date())
        )

    def _comes(self) -> bool:
        first = min(self.days)
        return self.either_day or any(first <= _LONGEST_MONTHS[m - 1] for m in self.months)
