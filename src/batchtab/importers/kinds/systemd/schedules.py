"""systemd's `OnCalendar=` as schedules of jobs.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from batchtab.importers.kinds.systemd.calendar import (
    DAYS,
    DAYS_OF_MONTH,
    HOURS,
    MINUTES,
    MONTHS,
    WEEK,
    YEARS,
    Calendar,
    parse,
)
from batchtab.importers.triggers import Trigger, has_whole_hours, that_happen
from batchtab.schedules import crontab
from batchtab.schedules.expression import check

_LENGTHS = {2: (28, 29), 4: (30,), 6: (30,), 9: (30,), 11: (30,)}
_LONG = (31,)
_DAYS_OF_A_WEEK = 7
_RUN = 3  # numbers in a row that are written as a range


def schedules(lines: Sequence[str], timezone: str) -> list[Trigger]:
    """The schedules that together have the times of a timer's `OnCalendar=` lines; no time starts two.

    Raises:
        ScheduleError: A line is none, or cannot be expressed.
    """
    found: list[tuple[Calendar, Trigger]] = []
    for calendar in _merged([parse(each, timezone) for each in lines]):
        trigger = _trigger(calendar)
        earlier = [
            crontab.to_aws(other.schedule)
            for before, other in found
            if other.timezone == trigger.timezone and not other.except_ and _may_meet(before, calendar)
        ]
        found.append((calendar, replace(trigger, except_=(*trigger.except_, *earlier))))
    return that_happen([trigger for _, trigger in found])


def _merged(calendars: list[Calendar]) -> list[Calendar]:
    """Fewer expressions, where two differ in one field alone."""
    fields = ("hours", "minutes", "week", "months", "days")
    found: list[Calendar] = []
    for calendar in dict.fromkeys(calendars):
        for at, other in enumerate(found):
            differing = [name for name in Calendar.__slots__ if getattr(other, name) != getattr(calendar, name)]
            if len(differing) == 1 and differing[0] in fields:
                name = differing[0]
                found[at] = replace(other, **{name: getattr(other, name) | getattr(calendar, name)})
                break
        else:
            found.append(calendar)
    return found


def _may_meet(one: Calendar, other: Calendar) -> bool:
    names = ("hours", "minutes", "months", "years", "week")
    return all(getattr(one, name) & getattr(other, name) for name in names)


def _trigger(calendar: Calendar) -> Trigger:
    minutes, hours = _field(calendar.minutes, MINUTES), _field(calendar.hours, HOURS)
    months, years = _field(calendar.months, MONTHS), _field(calendar.years, YEARS)
    week = ",".join(DAYS[day] for day in sorted(calendar.week)) if len(calendar.week) < len(WEEK) else "?"
    if week == "MON,TUE,WED,THU,FRI":
        week = "MON-FRI"

    def cron(days: str, week: str) -> str:
        return f"cron({minutes} {hours} {days} {months} {week} {years})"

    excluded: tuple[str, ...] = ()
    if calendar.reversed_days:
        days, excluded = _from_the_end(calendar, week)
    else:
        days = _ordinary(calendar, week)
    schedule, excluded_days = days
    note = ""
    found = cron(*schedule)
    exclusions = tuple(cron(*each) for each in (*excluded_days, *((each, "?") for each in excluded)))
    if exclusions:
        note = "its days are one schedule and what it excludes"
    text = _five(found)
    check(text)
    zone, changed = _zone(calendar)
    return Trigger(text, zone, exclusions, "; ".join(each for each in (note, changed) if each))


_Pair = tuple[str, str]


def _ordinary(calendar: Calendar, week: str) -> tuple[_Pair, list[_Pair]]:
    """Day of the month and of the week of the schedule, and those that it excludes: systemd wants both."""
    days = _field(calendar.days, DAYS_OF_MONTH)
    if week == "?":
        return (days, "?"), []
    if days == "*":
        return ("?", week), []
    first = min(calendar.days)
    is_a_week = (
        calendar.days == frozenset(range(first, min(first + _DAYS_OF_A_WEEK, 32)))
        and (first - 1) % _DAYS_OF_A_WEEK == 0
    )
    if len(calendar.week) == 1 and is_a_week:
        return ("?", f"{week}#{(first - 1) // _DAYS_OF_A_WEEK + 1}"), []
    others = frozenset(DAYS_OF_MONTH) - calendar.days
    return ("?", week), [(_field(others, DAYS_OF_MONTH), "?")]


def _from_the_end(calendar: Calendar, week: str) -> tuple[tuple[_Pair, list[_Pair]], tuple[str, ...]]:
    """The same for days from the end, and the days from the end that are excluded."""
    counted = calendar.reversed_days
    if week == "?" and len(counted) == 1:
        (back,) = counted
        return (("L" if back == 1 else f"L-{back - 1}", "?"), []), ()
    if len(calendar.week) == 1 and counted == frozenset(range(1, _DAYS_OF_A_WEEK + 1)):
        return (("?", f"{week}L"), []), ()
    lengths = {length for month in calendar.months for length in _LENGTHS.get(month, _LONG)}
    days = frozenset(length + 1 - back for length in lengths for back in counted)
    wrong = {length + 1 - day for length in lengths for day in days if day <= length} - counted
    excluded = tuple("L" if back == 1 else f"L-{back - 1}" for back in sorted(wrong))
    if week == "?":
        return ((_field(days, DAYS_OF_MONTH), "?"), []), excluded
    others = frozenset(DAYS_OF_MONTH) - days
    return (("?", week), [(_field(others, DAYS_OF_MONTH), "?")] if others else []), excluded


def _field(numbers: frozenset[int], allowed: range) -> str:
    """As short as AWS takes it: `*`, `*/15`, `1-9/2` or `1,3-5`."""
    found = sorted(numbers)
    if len(found) == len(allowed):
        return "*"
    steps = {after - before for before, after in pairwise(found)}
    if len(found) >= _RUN and len(steps) == 1 and steps != {1}:
        (step,) = steps
        if found[-1] + step <= allowed[-1]:
            return f"{found[0]}-{found[-1]}/{step}"
        return f"*/{step}" if found[0] == allowed[0] == 0 else f"{found[0]}/{step}"
    parts: list[str] = []
    while found:
        run = next((at for at, each in enumerate(found) if each != found[0] + at), len(found))
        parts += [f"{found[0]}-{found[run - 1]}"] if run >= _RUN else map(str, found[:run])
        found = found[run:]
    return ",".join(parts)


def _five(text: str) -> str:
    """Crontab's five fields where they mean the same."""
    minutes, hours, days, months, week, years = text.removeprefix("cron(").removesuffix(")").split()
    if years != "*" or re.search("[L#]", days + week.replace("?", "")):
        return text
    return " ".join([minutes, hours, days.replace("?", "*"), months, week.replace("?", "*")])


def _zone(calendar: Calendar) -> tuple[str | None, str]:
    """UTC where a schedule of every hour needs no zone, so that no hour is without a start.

    systemd starts nothing in the second of two hours that are the same on the clock, and the proof counts these.
    """
    zone = ZoneInfo(calendar.timezone)
    is_free = all(
        len(numbers) == len(every)
        for numbers, every in (
            (calendar.hours, HOURS),
            (calendar.week, WEEK),
            (calendar.days, DAYS_OF_MONTH),
            (calendar.months, MONTHS),
            (calendar.years, YEARS),
        )
    )
    if zone.key in {"UTC", "Etc/UTC"} or not is_free or not has_whole_hours(zone.key):
        return zone.key, ""
    return (
        None,
        f"in UTC, and so also in the hour in which clocks of {zone.key} repeat an hour and systemd starts nothing",
    )
