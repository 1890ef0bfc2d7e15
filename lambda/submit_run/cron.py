"""Whether a wall-clock minute fits the six fields of AWS's cron expressions.

See https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_WEEKEND = (5, 6)


def matches(expression: str, wall: datetime) -> bool:
    """Whether the minute is one of the expression's.

    Raises:
        ValueError: it is no such expression.
    """
    found = re.fullmatch(r"cron\((.*)\)", expression)
    fields = found[1].upper().split() if found else []
    if len(fields) != 6:
        raise ValueError(f"{expression} is not cron(minutes hours day-of-month month day-of-week year)")
    minutes, hours, of_month, months, of_week, years = fields
    # Each field is read, whatever the others say, so that a wrong one shows at once.
    return all(
        [
            wall.minute in _values(minutes, 0, 59),
            wall.hour in _values(hours, 0, 23),
            wall.month in _values(months, 1, 12, _MONTHS),
            wall.year in _values(years, 1970, 2199),
            _is_day(wall.date(), of_month, of_week),
        ]
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
        if not low <= begin <= high or not low <= end <= high:
            raise ValueError(f"{item} is not within {low}-{high}")
        # A range may go over the end of the week or the year: FRI-MON.
        span = range(begin, end + 1) if begin <= end else [*range(begin, high + 1), *range(low, end + 1)]
        found.update(span[:: int(step) if slash else 1])
    return found


def _number(text: str, names: tuple[str, ...]) -> int:
    return names.index(text) + 1 if text in names else int(text)


def _is_day(day: date, of_month: str, of_week: str) -> bool:
    if (of_month == "?") == (of_week == "?"):
        raise ValueError("one of day-of-month and day-of-week must be ?")
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
    wanted = month.replace(day=day)
    for offset in (0, -1, 1, -2, 2):
        near = wanted + timedelta(days=offset)
        if near.month == month.month and near.weekday() not in _WEEKEND:
            return near.day
    return day
