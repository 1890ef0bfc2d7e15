"""A schedule in words, and when it fires next."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from batchtab.schedules.timing import Timing

_SHOWN = 3


def in_words(schedule: str, zone: str = "UTC") -> str:
    """`every 10 minutes from minute 7`, `every day at 00:00 UTC`; empty for what has no short name."""
    if match := re.fullmatch(r"rate\((\d+) (\w+?)s?\)", schedule):
        return f"every {match[2]}" if match[1] == "1" else f"every {match[1]} {match[2]}s"
    if match := re.fullmatch(r"at\((\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\)", schedule):
        return f"once, {match[1]} at {match[2]} {zone}"
    match = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", schedule)
    if match is None:
        return ""
    minute, hour, day, month, weekday, year = match.groups()
    if month != "*" or year != "*":
        return ""
    every_day = {day, weekday} == {"*", "?"}
    if every_day and hour == "*" and (step := re.fullmatch(r"(\*|\d+)/(\d+)", minute)):
        start = "" if step[1] in {"*", "0"} else f" from minute {step[1]}"
        return f"every {step[2]} minutes{start}" if step[2] != "1" else f"every minute{start}"
    if every_day and hour == "*" and minute == "*":
        return "every minute"
    if every_day and hour == "*" and minute.isdigit():
        return f"every hour at minute {minute}"
    if not (minute.isdigit() and hour.isdigit()):
        return ""
    time = f"at {int(hour):02d}:{int(minute):02d} {zone}"
    if every_day:
        return f"every day {time}"
    if day == "?" and re.fullmatch(r"[A-Za-z,-]+", weekday):
        return f"{_weekdays(weekday.upper())} {time}"
    return f"every month on day {day} {time}" if weekday == "?" and day.isdigit() else ""


def _weekdays(days: str) -> str:
    return "MON-FRI" if days == "MON,TUE,WED,THU,FRI" else days


@lru_cache(maxsize=4096)
def upcoming(timing: Timing, now: datetime, zone: tzinfo) -> str:
    """The next times, with the date where it is not today's; rates are estimates and marked so."""
    runs = timing.next_runs(now, _SHOWN)
    if not runs:
        return "never again"
    mark = "~" if timing.is_rate else ""
    shown: list[str] = []
    day = now.astimezone(zone).date()
    for run in runs:
        local = run.astimezone(zone)
        prefix = "" if local.date() == day else _day(local, now.astimezone(zone))
        day = local.date()
        shown.append(f"{prefix}{mark}{local:%H:%M}")
    return ", ".join(shown)


def _day(moment: datetime, now: datetime) -> str:
    near = moment - now < timedelta(days=300)
    return f"{moment:%a %d %b} " if near else f"{moment:%a %d %b %Y} "
