"""systemd's `OnCalendar=`, read.

https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html#Calendar%20Events
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from batchtab.schedules import zones
from batchtab.schedules.cron import ScheduleError

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_LONG_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_WORDS = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "yearly": "*-01-01 00:00:00",
    "annually": "*-01-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    "semiannually": "*-01,07-01 00:00:00",
}
YEARS, MONTHS, DAYS_OF_MONTH = range(1970, 2200), range(1, 13), range(1, 32)
HOURS, MINUTES, WEEK = range(24), range(60), range(7)
_CENTURY = 100
_LAST_REVERSED = 28


@dataclass(frozen=True, slots=True)
class Calendar:
    """One expression.

    Attributes:
        week: Days of the week, Monday is 0.
        years: Years.
        months: Months.
        days: Days of the month; none where `reversed_days` has them.
        reversed_days: Days counted from the month's end; 1 is the last.
        hours: Hours.
        minutes: Minutes.
        timezone: Its zone.
    """

    week: frozenset[int]
    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    reversed_days: frozenset[int]
    hours: frozenset[int]
    minutes: frozenset[int]
    timezone: str


def parse(text: str, timezone: str) -> Calendar:
    """Read an expression.

    Raises:
        ScheduleError: It is none.
    """
    words = text.split()
    if len(words) > 1 and re.match("[A-Za-z]", words[-1]) and not _is_week(words[-1]):
        timezone = words.pop()
        if refusal := zones.refusal(timezone):
            raise ScheduleError(f"names a time zone, '{timezone}', that {refusal[0]}", refusal[1])
    words = _WORDS.get(" ".join(words).lower(), " ".join(words)).split()
    hours, minutes = frozenset({0}), frozenset({0})
    if words and ":" in words[-1]:
        parts = words.pop().split(":")
        if len(parts) not in {2, 3}:
            raise ScheduleError(f"has '{':'.join(parts)}', which is not a time")
        if len(parts) == 3 and _numbers(re.sub(r"\.0+$", "", parts[2]), range(60)) != {0}:
            raise ScheduleError(f"has seconds, '{parts[2]}': jobs start on the minute")
        hours, minutes = _numbers(parts[0], HOURS), _numbers(parts[1], MINUTES)
    years, months, days = frozenset(YEARS), frozenset(MONTHS), frozenset(DAYS_OF_MONTH)
    reversed_days: frozenset[int] = frozenset()
    if words and re.match("[0-9*]", words[-1]):
        years, months, days, reversed_days = _date(words.pop())
    week = frozenset(WEEK)
    if words:
        week = _days_of_week(words.pop())
    if words:
        raise ScheduleError(f"has '{words[-1]}' too much")
    return Calendar(week, years, months, days, reversed_days, hours, minutes, timezone)


def _date(text: str) -> tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int]]:
    head, tilde, last = text.rpartition("~")
    parts = [*head.split("-"), last] if tilde else text.split("-")
    if len(parts) == 2:
        parts.insert(0, "*")
    if len(parts) != 3:
        raise ScheduleError(f"has '{text}', which is not a date")
    years, months = _numbers(parts[0], YEARS), _numbers(parts[1], MONTHS)
    if not tilde:
        return years, months, _numbers(parts[2], DAYS_OF_MONTH), frozenset()
    return years, months, frozenset(), _reversed(parts[2])


def _reversed(text: str) -> frozenset[int]:
    """Days from a month's end; a step goes on to the last day."""
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        numbers = sorted(_numbers(base, range(1, _LAST_REVERSED + 1)), reverse=True)
        if slash and len(numbers) == 1:
            numbers = [*range(numbers[0], 0, -1)]
        found.update(numbers[:: _step(step) if slash else 1])
    return frozenset(found)


def _numbers(text: str, allowed: range) -> frozenset[int]:
    if text == "*":
        return frozenset(allowed)
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        first_text, dots, last_text = base.partition("..")
        first = _number(first_text, allowed)
        last = _number(last_text, allowed) if dots else allowed[-1] if slash else first
        if last < first:
            raise ScheduleError(f"has '{item}', which runs backwards")
        found.update(range(first, last + 1, _step(step) if slash else 1))
    return frozenset(found)


def _step(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not int(text):
        raise ScheduleError(f"has the step '{text}'")
    return int(text)


def _number(text: str, allowed: range) -> int:
    value = int(text) if re.fullmatch("[0-9]{1,4}", text) else -1
    if allowed is YEARS and 0 <= value < _CENTURY:
        value += 2000 if value < 70 else 1900
    if value not in allowed:
        raise ScheduleError(f"has '{text}': {allowed[0]} to {allowed[-1]}")
    return value


def _is_week(text: str) -> bool:
    return re.split(r"[.,-]", text.upper())[0] in {*DAYS, *_LONG_DAYS}


def _days_of_week(text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.upper().removesuffix(",").split(","):
        first_text, _, last_text = item.replace("..", "-").partition("-")
        days = [_day(first_text), _day(last_text or first_text)]
        if days[1] < days[0]:
            raise ScheduleError(f"has '{item}', which runs backwards")
        found.update(range(days[0], days[1] + 1))
    return frozenset(found)


def _day(text: str) -> int:
    for names in (DAYS, _LONG_DAYS):
        if text in names:
            return names.index(text)
    raise ScheduleError(f"has '{text}', which is not a day of the week")
