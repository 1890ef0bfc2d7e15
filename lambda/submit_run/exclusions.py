"""Whether a run falls on a time on which its job does not run: dates, ranges of dates, cron expressions.

All are meant on the wall clock of the schedule's time zone. What can't be read is refused, so that somebody is told:
better a job that did not run than one that ran on a holiday.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta, tzinfo

from .request import MalformedError, Request

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_WEEKEND = (5, 6)  # date.weekday()


def excluded_by(request: Request) -> str:
    """The entry of `except` that a run falls on; empty if there is none.

    Raises:
        MalformedError: an entry is neither a date, a range of dates nor a cron expression, or the zone is not known.
    """
    if not request.job.excluded:
        return ""
    wall = request.scheduled_time.astimezone(_zone(request.job.timezone)).replace(tzinfo=None)
    return next((entry for entry in request.job.excluded if _covers(entry, wall)), "")


def _zone(name: str) -> tzinfo:
    """The zone; Lambda's image may come without a database of them, and dateutil, which boto3 brings, has one."""
    if not name:
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most schedules are in UTC

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        from dateutil.zoneinfo import get_zonefile_instance  # noqa: PLC0415

        found: tzinfo | None = get_zonefile_instance().get(name)
        if found is None:
            raise MalformedError(f"job.timezone: {name!r} is no time zone that is known here") from None
        return found


def _covers(entry: str, wall: datetime) -> bool:
    try:
        if entry.startswith("cron("):
            return _matches(entry.removeprefix("cron(").removesuffix(")").upper().split(), wall)
        first, _, last = entry.partition("/")
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except (ValueError, IndexError) as error:
        raise MalformedError(f"job.except: {entry!r} can't be read: {error}") from error
    if begin > end:
        raise MalformedError(f"job.except: {entry!r} ends before it begins")
    return begin <= wall.date() <= end


def _matches(fields: list[str], wall: datetime) -> bool:
    minutes, hours, of_month, months, of_week, years = fields
    if (of_month == "?") == (of_week == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week is '?'")
    return (
        wall.minute in _values(minutes, 0, 59)
        and wall.hour in _values(hours, 0, 23)
        and wall.month in _values(months, 1, 12, _MONTHS)
        and wall.year in _values(years, 1970, 2199)
        and (_is_day_of_month(wall.date(), of_month) if of_week == "?" else _is_day_of_week(wall.date(), of_week))
    )


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
        return number == _number(text[:-1], _DAYS) and day.day + 7 > calendar.monthrange(day.year, day.month)[1]
    return number in _values(text, 1, 7, _DAYS)


def _nearest_weekday(month: date, day: int) -> int:
    for offset in (0, -1, 1, -2, 2):
        near = month.replace(day=day) + timedelta(days=offset)
        if near.month == month.month and near.weekday() not in _WEEKEND:
            return near.day
    return day
