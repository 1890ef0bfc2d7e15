"""A schedule in words, for those that have plain ones."""

from __future__ import annotations

import re

from batchtab.schedules import crontab
from batchtab.schedules.durations import duration
from batchtab.schedules.expression import Once, Rate, parse

_DAYS = {"SUN": "Sunday", "MON": "Monday", "TUE": "Tuesday", "WED": "Wednesday", "THU": "Thursday", "FRI": "Friday"}
_DAYS["SAT"] = "Saturday"
_NAMES = tuple(_DAYS)
_WORKING = {"MON", "TUE", "WED", "THU", "FRI"}
_LISTED_MAX = 6
_EVERY = {60: "every minute", 3600: "every hour", 86_400: "every day"}


def in_words(expression: str) -> str:
    """`at 09:00 every day`, `every 10 min`; empty for what has no plain words.

    Raises:
        ScheduleError: it is no schedule.
    """
    parsed = parse(expression)
    if isinstance(parsed, Rate):
        return _EVERY.get(parsed.seconds) or f"every {duration(parsed.seconds)}"
    if isinstance(parsed, Once):
        return f"once, at {parsed.wall:%Y-%m-%d %H:%M}"
    fields = crontab.to_aws(expression).removeprefix("cron(").removesuffix(")").upper().split()
    minutes, hours, day_of_month, month, day_of_week, year = fields
    when, days = _times(minutes, hours, parsed.minutes, parsed.hours), _days(day_of_month, day_of_week)
    if not when or not days or (month, year) != ("*", "*"):
        return ""
    return when if days == "every day" and when.startswith("every") else f"{when} {days}"


def _times(minutes: str, hours: str, at_minutes: tuple[int, ...], at_hours: tuple[int, ...]) -> str:
    """When on a day."""
    if hours == "*":
        if len(at_minutes) == 1:
            return f"every hour at :{at_minutes[0]:02}"
        if match := re.fullmatch(r"(\*|\d+)/(\d+)", minutes):
            first = 0 if match[1] == "*" else int(match[1])
            step = int(match[2])
            if 60 % step or first >= step:
                return ""
            from_ = f" from :{first:02}" if first else ""
            return f"every {step} min{from_}" if step > 1 else "every minute" if not first else ""
        return "every minute" if minutes == "*" else ""
    if len(at_minutes) * len(at_hours) > _LISTED_MAX:
        return ""
    times = [f"{hour:02}:{minute:02}" for hour in at_hours for minute in at_minutes]
    return f"at {_and(times)}"


def _days(day_of_month: str, day_of_week: str) -> str:
    """On which days."""
    if day_of_week == "?":
        if day_of_month == "*":
            return "every day"
        if day_of_month == "L":
            return "on the last day of each month"
        return f"on day {day_of_month} of each month" if day_of_month.isdigit() else ""
    parts = [_NAMES[int(part) - 1] if part.isdigit() else part for part in day_of_week.split(",")]
    if day_of_week in ("MON-FRI", "2-6") or set(parts) == _WORKING:
        return "from Monday to Friday"
    return "on " + _and([f"{_DAYS[part]}s" for part in parts]) if all(part in _DAYS for part in parts) else ""


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
