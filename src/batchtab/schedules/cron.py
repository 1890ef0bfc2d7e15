"""AWS's cron expressions: what the six fields may say, and the times that they mean.

The calendar is walked here instead of by `aws-croniter`, which the tests use as a second opinion: that package fails on
`LW` and on a step of 0, refuses a step of years, never fires for `L` as the day of the week, and gives up on
dates that are more than ten of its steps away (29 February across 2100). Times are wall-clock times without a zone.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_WEEKEND = (5, 6)  # date.weekday()


class ScheduleError(ValueError):
    """A schedule that AWS would refuse or that would never fire: why, and what to write instead."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Field:
    """What one of the six fields takes.

    Attributes:
        name: As AWS calls it.
        low: Its smallest number.
        high: Its largest.
        names: What its numbers are called, from the smallest on.
        steps: Whether it takes `/`.
        wraps: Whether a range may go on from the largest number to the smallest, as 22-2 and FRI-MON do.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    steps: bool = True
    wraps: bool = True

    def describe(self) -> str:
        """What is allowed, for people: `1 to 12 or JAN to DEC`."""
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        note = " (1 is Sunday)" if self.names == _DAYS else ""
        return f"{self.low} to {self.high}{names}{note}"


_MINUTES = Field("minutes", 0, 59)
_HOURS = Field("hours", 0, 23)
_DAY_OF_MONTH = Field("day-of-month", 1, 31)
_MONTH = Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = Field("day-of-week", 1, 7, _DAYS, steps=False)
_YEAR = Field("year", 1970, 2199, wraps=False)
FIELDS = (_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR)
FIELD_NAMES = " ".join(field.name for field in FIELDS)

# Given a month, the days on which it runs.
_Days = Callable[[int, int], set[int]]


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression; `after()` and `before()` give its times."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    days: _Days

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Its times later than `moment`, in order, to the end of 2199. `moment` and they are without a zone."""
        for year in self.years:
            if year < moment.year:
                continue
            for month in self.months:
                if (year, month) < (moment.year, moment.month):
                    continue
                for day in (date(year, month, number) for number in sorted(self.days(year, month))):
                    if day > moment.date():
                        yield from self._times(day, self.hours)
                    elif day == moment.date():
                        left = self.hours[bisect_left(self.hours, moment.hour) :]
                        yield from (run for run in self._times(day, left) if run > moment)

    def before(self, moment: datetime) -> Iterator[datetime]:
        """Its times up to `moment`, included, the latest first, back to 1970. `moment` and they are without a zone."""
        for year in reversed(self.years):
            if year > moment.year:
                continue
            for month in reversed(self.months):
                if (year, month) > (moment.year, moment.month):
                    continue
                for day in (date(year, month, number) for number in sorted(self.days(year, month), reverse=True)):
                    if day < moment.date():
                        yield from reversed([*self._times(day, self.hours)])
                    elif day == moment.date():
                        over = self.hours[: bisect_right(self.hours, moment.hour)]
                        yield from (run for run in reversed([*self._times(day, over)]) if run <= moment)

    def is_day(self, day: date) -> bool:
        """Whether it has times on a day."""
        return day.year in self.years and day.month in self.months and day.day in self.days(day.year, day.month)

    def matches(self, moment: datetime) -> bool:
        """Whether the minute of a wall-clock time is one of its times."""
        return moment.minute in self.minutes and moment.hour in self.hours and self.is_day(moment.date())

    def _times(self, day: date, hours: tuple[int, ...]) -> Iterator[datetime]:
        for hour in hours:
            for minute in self.minutes:
                yield datetime(day.year, day.month, day.day, hour, minute)


def parse(fields_text: str) -> Cron:
    """Read what is between the parentheses of `cron(…)`.

    Raises:
        ScheduleError: With the field, its value and what is allowed.
    """
    parts = fields_text.split()
    if len(parts) != len(FIELDS):
        raise ScheduleError(f"has {len(parts)} fields instead of 6: {FIELD_NAMES}", from_five_fields(parts))
    minutes, hours, day_of_month, month, day_of_week, year = parts
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ScheduleError(*_question_mark(parts))
    months = _values(_MONTH, month)
    days = _days_of_month(day_of_month) if day_of_week == "?" else _days_of_week(day_of_week)
    cron = Cron(_values(_MINUTES, minutes), _values(_HOURS, hours), months, _values(_YEAR, year), days)
    if not any(days(y, m) for y in cron.years for m in months):
        raise ScheduleError(f"never happens: no such day ({day_of_month} {month} {day_of_week} {year})")
    return cron


def from_five_fields(parts: list[str]) -> str:
    """AWS's form of a line of crontab, or of an expression without its year; empty if it isn't plain which."""
    if len(parts) != 5:
        return ""
    minutes, hours, day_of_month, month, day_of_week = parts
    candidates = [[*parts, "*"]]
    if day_of_week == "*":
        candidates.append([minutes, hours, day_of_month, "*" if month == "?" else month, "?", "*"])
    for candidate in candidates:
        try:
            parse(" ".join(candidate))
        except ScheduleError:
            continue
        return f"cron({' '.join(candidate)})"
    return ""


def _question_mark(parts: list[str]) -> tuple[str, str]:
    minutes, hours, day_of_month, month, day_of_week, year = parts
    rule = "exactly one of day-of-month and day-of-week must be '?'"
    if day_of_month == "?":
        return f"has '?' twice: {rule}", f"cron({minutes} {hours} * {month} ? {year})"
    if day_of_week == "*" or day_of_month != "*":
        hint = f"cron({minutes} {hours} {day_of_month} {month} ? {year})" if day_of_week == "*" else "write two jobs"
        return f"has no '?': {rule}", hint
    return f"has no '?': {rule}", f"cron({minutes} {hours} ? {month} {day_of_week} {year})"


def _number(field: Field, text: str, whole: str) -> int:
    upper = text.upper()
    if upper in field.names:
        return field.names.index(upper) + 1
    if not re.fullmatch("[0-9]{1,4}", text) or not field.low <= int(text) <= field.high:
        part = f"{text!r}" if text == whole else f"{text!r} in {whole!r}"
        raise ScheduleError(f"has {part} as {field.name}: {field.describe()}")
    return int(text)


def _values(field: Field, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step_text = item.partition("/")
        if slash and not field.steps:
            raise ScheduleError(
                f"has {item!r} as {field.name}, where no steps are allowed", "list the days: MON,WED,FRI"
            )
        step = 1
        if slash:
            if not re.fullmatch("[0-9]{1,4}", step_text) or not 1 <= int(step_text) <= field.high:
                raise ScheduleError(f"has the step {step_text!r} as {field.name}: 1 to {field.high}")
            step = int(step_text)
        first_text, dash, last_text = base.partition("-")
        if base == "*":
            first, last = field.low, field.high
        else:
            first = _number(field, first_text, item)
            last = _number(field, last_text, item) if dash else field.high if slash else first
        count = field.high - field.low + 1
        if first > last and not field.wraps:
            raise ScheduleError(f"has {item!r} as {field.name}, which runs backwards", "write the earlier one first")
        end = last + count if first > last else last
        found.update((number - field.low) % count + field.low for number in range(first, end + 1, step))
    return tuple(sorted(found))


def _days_of_month(text: str) -> _Days:
    upper = text.upper()
    if upper == "LW":
        return lambda year, month: {_nearest_weekday(year, month, _length(year, month))}
    if match := re.fullmatch("L(?:-([0-9]{1,2}))?", upper):
        back = int(match[1] or 0)
        if match[1] and not 1 <= back <= 30:
            raise ScheduleError(f"has {text!r} as day-of-month: L-1 to L-30")
        return lambda year, month: {_length(year, month) - back} if _length(year, month) > back else set()
    if upper.endswith("W"):
        day = _number(_DAY_OF_MONTH, upper[:-1], text)
        return lambda year, month: {_nearest_weekday(year, month, day)} if day <= _length(year, month) else set()
    days = _values(_DAY_OF_MONTH, text)
    return lambda year, month: set(days[: bisect_right(days, _length(year, month))])


def _days_of_week(text: str) -> _Days:
    if match := re.fullmatch("([^#,-]+)#([^#,-]+)", text):
        day = _number(_DAY_OF_WEEK, match[1], text)
        if not re.fullmatch("[1-5]", match[2]):
            raise ScheduleError(f"has {text!r} as day-of-week: a day, '#' and 1 to 5, such as MON#1")
        week = int(match[2])
        return lambda year, month: set(_on(year, month, (day,))[week - 1 : week])
    if "#" in text:
        raise ScheduleError(f"has {text!r} as day-of-week: with '#', one day alone, such as MON#1")
    if match := re.fullmatch("([^,-]*)L", text.upper()):
        last = _number(_DAY_OF_WEEK, match[1], text) if match[1] else _SATURDAY
        if not match[1]:  # as the day of the week, L alone is the last day of each week
            return lambda year, month: set(_on(year, month, (_SATURDAY,)))
        return lambda year, month: {_on(year, month, (last,))[-1]}
    days = _values(_DAY_OF_WEEK, text)
    return lambda year, month: set(_on(year, month, days))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _on(year: int, month: int, days_of_week: tuple[int, ...]) -> list[int]:
    days = range(1, _length(year, month) + 1)
    return [day for day in days if (date(year, month, day).isoweekday() % 7) + 1 in days_of_week]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The Monday to Friday nearest to a day, without leaving the month."""
    for offset in (0, -1, 1, -2, 2):
        near = date(year, month, day) + timedelta(days=offset)
        if near.month == month and near.weekday() not in _WEEKEND:
            return near.day
    raise AssertionError("a month has weekdays")  # pragma: no cover
