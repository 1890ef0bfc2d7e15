"""When a job was last due: EventBridge's schedule expressions, read backwards.

What is no expression has no times: Terraform and EventBridge have refused it before.
See https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from .values import moment_
from .zones import instant, zone

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_SATURDAY = 7
_WEEKEND = (5, 6)
_SET_BACK = timedelta(hours=3)  # more than any clock is


class Schedule(NamedTuple):
    """An expression, the zone on whose wall clocks it is read, and from when until when it counts, both in UTC."""

    expression: str
    timezone: str = ""
    start: str = ""
    end: str = ""

    @property
    def text(self) -> str:
        """All of it, as one text."""
        parts = [self.timezone, f"from {self.start}" if self.start else "", f"until {self.end}" if self.end else ""]
        return " ".join([self.expression, *filter(None, parts)])

    @property
    def period(self) -> int | None:
        """The seconds of a rate, which counts from when AWS began to count; None for anything else."""
        match = re.fullmatch(r"rate\(([0-9]{1,9}) (minute|hour|day)s?\)", self.expression)
        return int(match[1]) * _UNITS[match[2]] if match else None

    def last_due(self, since: int, until: int) -> int | None:
        """Its last time that is not before `since` and not after `until`; None if there is none, or for a rate."""
        start, end = moment_(self.start), moment_(self.end)
        since = since if start is None else max(since, start)
        until = until if end is None else min(until, end)
        where = zone(self.timezone)
        if since > until or where is None:
            return None
        try:
            if at := re.fullmatch(r"at\((.*)\)", self.expression):
                due = instant(datetime.fromisoformat(at[1]).replace(tzinfo=None), where)
                return due if due is not None and since <= due <= until else None
            cron = re.fullmatch(r"cron\((.*)\)", self.expression)
            fields = cron[1].upper().split() if cron else []
            return _last_of_cron(fields, since, until, where) if len(fields) == 6 else None
        except (ValueError, IndexError, OverflowError):
            return None


def _last_of_cron(fields: list[str], since: int, until: int, where: tzinfo) -> int | None:
    minutes, hours = _values(fields[0], 0, 59), _values(fields[1], 0, 23)
    months, years = _values(fields[3], 1, 12, _MONTHS), _values(fields[5], 1970, 2199)
    first, last = (
        datetime.fromtimestamp(moment, UTC).astimezone(where).replace(tzinfo=None) for moment in (since, until)
    )
    last += _SET_BACK  # what a clock showed before it was set back may be earlier than what it shows now
    day = last.date()
    while day >= first.date():
        if day.year in years and day.month in months and _is_day(day, fields[2], fields[4]):
            for hour in sorted(hours, reverse=True):
                for minute in sorted(minutes, reverse=True):
                    wall = datetime(day.year, day.month, day.day, hour, minute)
                    due = instant(wall, where) if wall <= last else None
                    if due is not None and due <= until:
                        return due if due >= since else None
        day -= timedelta(days=1)
    return None


def _values(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        first, dash, last = base.partition("-")
        if base == "*":
            begin, end = low, high
        else:
            begin = _number(first, names)
            end = _number(last, names) if dash else high if slash else begin
        found.update(range(begin, min(end, high) + 1, int(step) if slash else 1))
    return found


def _number(text: str, names: tuple[str, ...]) -> int:
    return names.index(text) + 1 if text in names else int(text)


def _is_day(day: date, of_month: str, of_week: str) -> bool:
    return _is_day_of_month(day, of_month) if of_week == "?" else _is_day_of_week(day, of_week)


def _is_day_of_month(day: date, text: str) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    if text == "LW":
        return day.day == _nearest_weekday(day, length)
    if text.startswith("L"):
        return day.day == length - int(text[2:] or 0)
    if text.endswith("W"):
        return int(text[:-1]) <= length and day.day == _nearest_weekday(day, int(text[:-1]))
    return day.day in _values(text, 1, 31)


def _is_day_of_week(day: date, text: str) -> bool:
    number = day.isoweekday() % 7 + 1
    if "#" in text:
        name, _, week = text.partition("#")
        return number == _number(name, _DAYS) and (day.day - 1) // 7 + 1 == int(week)
    if text == "L":
        return number == _SATURDAY
    if text.endswith("L"):
        is_last = day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return number == _number(text[:-1], _DAYS) and is_last
    return number in _values(text, 1, 7, _DAYS)


def _nearest_weekday(month: date, day: int) -> int:
    for offset in (0, -1, 1, -2, 2):
        near = month.replace(day=day) + timedelta(days=offset)
        if near.month == month.month and near.weekday() not in _WEEKEND:
            return near.day
    return day
