"""The times on which a job does not run: dates, ranges of dates and cron expressions, on its own wall clock."""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from batchtab.schedules import cron, shapes
from batchtab.schedules.cron import Cron, ScheduleError

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What `except` says."""

    ranges: tuple[tuple[date, date], ...] = ()
    crons: tuple[Cron, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Exclusions:
        """Read the entries.

        Raises:
            ScheduleError: With the first that is none.
        """
        ranges, crons = [], []
        for entry in entries:
            found = read(entry)
            if isinstance(found, Cron):
                crons.append(found)
            else:
                ranges.append(found)
        return cls(tuple(sorted(ranges)), tuple(crons))

    def __bool__(self) -> bool:
        return bool(self.ranges or self.crons)

    def matches(self, wall: datetime) -> bool:
        """Whether a job does not run at this minute of its wall clock."""
        return self.covers(wall.date()) is not None or any(each.matches(wall) for each in self.crons)

    def covers(self, day: date) -> date | None:
        """The last day of the range in which a day is; None if it is in none."""
        last = next((last for first, last in self.ranges if first <= day <= last), None)
        while last is not None:
            following = last + _DAY if last < date.max else last
            more = max((end for first, end in self.ranges if first <= following <= end), default=last)
            if more <= last:
                return last
            last = more
        return None

    def next_day(self, parsed: Cron, day: date) -> date | None:
        """The first day, from a day on, on which some of an expression's times are left; None if there is none."""
        for year in parsed.years[bisect_left(parsed.years, day.year) :]:
            of_year = tuple(each for each in self.crons if year in each.years)
            for month, number in _days_left(parsed, of_year, _alike(year)):
                candidate = date(year, month, number)
                if candidate < day:
                    continue
                last = self.covers(candidate)
                if last is None:
                    return candidate
                if last == date.max:
                    return None
                day = last + _DAY
        return None

    def left_of(self, day: date, times: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        """What remains of a day's times (hour, minute)."""
        if self.covers(day) is not None:
            return frozenset()
        of_day = tuple(each for each in self.crons if each.is_day(day))
        return _without(times, of_day) if of_day else times


@lru_cache(maxsize=4096)
def _days_left(parsed: Cron, crons: tuple[Cron, ...], year: int) -> tuple[tuple[int, int], ...]:
    """The days of a year, month and day, on which some of the times of `parsed` are in none of `crons`."""
    found: list[tuple[int, int]] = []
    leave_some: dict[tuple[int, ...], bool] = {(): True}
    for month in parsed.months:
        taken = [each.days(year, month) if month in each.months else set() for each in crons]
        for day in sorted(parsed.days(year, month)):
            of_day = tuple(at for at, days in enumerate(taken) if day in days)
            if of_day not in leave_some:
                leave_some[of_day] = _leave_some(parsed, [crons[at] for at in of_day])
            if leave_some[of_day]:
                found.append((month, day))
    return tuple(found)


def _leave_some(parsed: Cron, crons: Sequence[Cron]) -> bool:
    """Whether an expression has times of the day that none of the others has."""
    return any(
        set(parsed.minutes).difference(*(each.minutes for each in crons if hour in each.hours)) for hour in parsed.hours
    )


def _alike(year: int) -> int:
    """The year from 2000 to 2027 that begins on the same day of the week, and is a leap year if this one is."""
    if calendar.isleap(year):
        return next(
            each for each in range(2000, 2028, 4) if calendar.weekday(each, 1, 1) == calendar.weekday(year, 1, 1)
        )
    return next(
        each
        for each in range(2001, 2028)
        if not calendar.isleap(each) and calendar.weekday(each, 1, 1) == calendar.weekday(year, 1, 1)
    )


@lru_cache(maxsize=4096)
def _without(times: frozenset[tuple[int, int]], crons: tuple[Cron, ...]) -> frozenset[tuple[int, int]]:
    return frozenset(
        (hour, minute)
        for hour, minute in times
        if not any(hour in each.hours and minute in each.minutes for each in crons)
    )


def read(entry: str) -> tuple[date, date] | Cron:
    """One entry: the first and the last day, or the expression.

    Raises:
        ScheduleError: If it is none.
    """
    if match := re.fullmatch(r"cron\(([^()]*)\)", entry):
        return _cron(match[1])
    if entry.startswith("cron") or re.fullmatch(shapes.EXCLUSION_PATTERN, entry) is None:
        hint = ""
        if len(entry.split()) == 5:
            hint = "write cron(…) with AWS's six fields"
        elif re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}[ ,-]+[0-9]{4}-[0-9]{2}-[0-9]{2}", entry):
            hint = f"write {entry[:10]}/{entry[-10:]}"
        forms = f"{shapes.EXCLUSION_FORMS} (at most {shapes.EXCLUSION_MAX} characters)"
        raise ScheduleError(f"is not allowed: {forms}", hint)
    first, _, last = entry.partition("/")
    days = (_day(first), _day(last or first))
    if days[0] > days[1]:
        raise ScheduleError("runs backwards", f"write {last}/{first}")
    return days


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ScheduleError(f"has {text}, which is not a date") from None


@lru_cache(maxsize=4096)
def _cron(text: str) -> Cron:
    return cron.parse(text)
