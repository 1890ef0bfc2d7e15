"""The seven days of a week in a time zone. One of them may be an hour shorter or longer than the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from batchtab.calendar import words
from batchtab.schedules import clocks

DAYS = 7
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Day:
    """A day from its first moment to that of the next, in UTC."""

    date: date
    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """How long it is: 24, or another number when clocks are changed."""
        return (self.end - self.start) / _HOUR


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A moment in which the zone's clocks are changed; `before` and `after` are what they show, without a zone."""

    at: datetime
    before: datetime
    after: datetime

    def __str__(self) -> str:
        step = round((self.after - self.before).total_seconds() / 60)
        word = "forward" if step > 0 else "back"
        return f"clocks go {word} from {self.before:%H:%M} to {self.after:%H:%M}"


@dataclass(frozen=True)
class Week:
    """Seven days that begin with a date, as a place's wall clock has them."""

    first: date
    zone: ZoneInfo

    def __str__(self) -> str:
        """`23 – 29 March 2026`."""  # noqa: RUF002
        first, last = self.first, self.days[-1].date
        year = f" {first.year}" if first.year != last.year else ""
        month = f" {first:%B}{year}" if first.month != last.month else ""
        return f"{first.day}{month} {words.DASH} {last.day} {last:%B %Y}"

    @cached_property
    def days(self) -> tuple[Day, ...]:
        """Its days."""
        dates = [self.first + timedelta(days=number) for number in range(DAYS + 1)]
        starts = [self.moment(each) for each in dates]
        return tuple(Day(each, starts[number], starts[number + 1]) for number, each in enumerate(dates[:-1]))

    @cached_property
    def start(self) -> datetime:
        """Its first moment, in UTC."""
        return self.moment(self.first)

    @cached_property
    def end(self) -> datetime:
        """The first moment after it, in UTC."""
        return self.days[-1].end

    @cached_property
    def seconds(self) -> int:
        """How long it is."""
        return round((self.end - self.start).total_seconds())

    @cached_property
    def changes(self) -> tuple[ClockChange, ...]:
        """When its clocks are changed: mostly never."""
        return tuple(self._changes())

    def moment(self, day: date, hour: int = 0) -> datetime:
        """When a full hour of a day begins, in UTC; of one that is left out, when the clocks are changed."""
        return clocks.to_utc(datetime.combine(day, time(hour)), self.zone)

    def second(self, moment: datetime) -> int:
        """How many seconds after its start a moment is; below zero before."""
        return round((moment - self.start).total_seconds())

    def local(self, moment: datetime) -> datetime:
        """A moment on the week's wall clock."""
        return moment.astimezone(self.zone)

    def _changes(self) -> Iterator[ClockChange]:
        before = self.start
        while before < self.end:
            after = min(before + _HOUR, self.end)
            if self.local(before).utcoffset() != self.local(after).utcoffset():
                yield self._change(before, after)
            before = after

    def _change(self, before: datetime, after: datetime) -> ClockChange:
        old = self.local(before).utcoffset() or timedelta()
        while after - before > _SECOND:
            middle = (before + (after - before) / 2).replace(microsecond=0)
            if self.local(middle).utcoffset() == old:
                before = middle
            else:
                after = middle
        return ClockChange(
            after, (after.astimezone(UTC) + old).replace(tzinfo=None), self.local(after).replace(tzinfo=None)
        )
