"""A schedule in a time zone: the instants at which a job fires.

The schedule is read on the wall clock of its time zone, whose changes it follows ("the rules for
daylight saving time are determined by the chosen tz", says Google's reference), and taken at its
word: a time that a change skips does not come that day, one that a change repeats comes twice. So
a job at 02:30 in Europe/Oslo does not fire on the spring day and fires twice, an hour apart, on the
autumn day, while a job of every half hour fires every half hour on both. Jobs that must fire once
a day stay out of those hours, or are scheduled in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from emulators.scheduler.cron import CronSchedule, InvalidSchedule

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The fires of a job, as whole minutes in UTC."""

    cron: CronSchedule
    zone: ZoneInfo

    @classmethod
    def of(cls, schedule: str, time_zone: str) -> Self:
        """Return the timetable of a cron expression in a zone of the tz database.

        Raises `InvalidSchedule`.
        """
        return cls(CronSchedule.parse(schedule), _zone(time_zone))

    def next_after(self, instant: datetime) -> datetime:
        """Return the first fire after an instant."""
        moment = _whole_minute(instant) + _MINUTE
        while not self.cron.at(local := moment.astimezone(self.zone)):
            tomorrow = self._start_of(local.date() + _DAY)
            moment = tomorrow.astimezone(UTC) if self._passes(local, tomorrow) else moment + _MINUTE
        return moment

    def latest_until(self, instant: datetime) -> datetime:
        """Return the last fire at or before an instant."""
        moment = _whole_minute(instant)
        while not self.cron.at(local := moment.astimezone(self.zone)):
            today = self._start_of(local.date())
            moment = (today.astimezone(UTC) if self._passes(local, today) else moment) - _MINUTE
        return moment

    def _start_of(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _passes(self, local: datetime, midnight: datetime) -> bool:
        """Return whether nothing fires between a moment and a midnight of its day.

        A day on which the clock changes is not passed but walked: some zones repeat an hour of the
        day before.
        """
        return not self.cron.on(local.date()) and midnight.utcoffset() == local.utcoffset()


def _whole_minute(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def _zone(name: str) -> ZoneInfo:
    # "For UTC use the string utc": the one name whose case does not matter.
    try:
        return ZoneInfo("UTC" if name.upper() == "UTC" else name)
    except (KeyError, ValueError, OSError):
        raise InvalidSchedule(
            f"time zone {name!r}: want a name of the tz database, such as Europe/Oslo, or utc"
        ) from None
