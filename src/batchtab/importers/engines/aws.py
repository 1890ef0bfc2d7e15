"""EventBridge's and Scheduler's expressions, by a walk over days, from AWS's rules.

Scheduler skips a time that clocks skip, and takes the first of two. `L`, `W` and `#` are read as AWS documents them;
ranges may run past the end of their field, and `n/m` goes on to it.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab.importers.engines import ClockError, once, period
from batchtab.importers.imported import SourceClock

_CALL = re.compile(r"(cron|rate|at)\(([^()]*)\)")
_RATE = re.compile(r"([1-9][0-9]{0,6}) +(minute|hour|day)s?")
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_MINUTE, _HOUR, _OF_MONTH, _MONTH, _OF_WEEK, _YEAR = range(6)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_NAMES = {_MONTH: _MONTHS, _OF_WEEK: _DAYS}
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_DAY = timedelta(days=1)

_IsDay = Callable[[date], bool]


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """When AWS starts the job."""
    kind, text = _call(clock)
    if kind == "at":
        return once.times(replace(clock, expression=text), since)
    if kind == "rate":
        match = _RATE.fullmatch(text)
        if match is None:
            raise ClockError(f"'{clock.expression}' is not a number of minutes, hours or days")
        seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
        return period.times(replace(clock, expression=f"{seconds} seconds"), since)
    fields = text.upper().split()
    if len(fields) != len(_BOUNDS):
        raise ClockError(f"'{clock.expression}' has {len(fields)} fields instead of {len(_BOUNDS)}")
    minutes, hours, months, years = (_numbers(index, fields[index]) for index in (_MINUTE, _HOUR, _MONTH, _YEAR))
    is_day = _days(fields[_OF_MONTH], fields[_OF_WEEK])
    zone = ZoneInfo(clock.timezone)

    def found() -> Iterator[datetime]:
        day = since.astimezone(zone).date() - _DAY
        while day.year <= max(years):
            if day.year in years and day.month in months and is_day(day):
                for at in _of_day(day, hours, minutes, zone):
                    if at >= since:
                        yield at
            day += _DAY

    return found()


def at_noon(clock: SourceClock) -> SourceClock | None:
    """The same days, at 12:00."""
    kind, text = _call(clock)
    if kind != "cron":
        return None
    return replace(clock, expression=f"cron({' '.join(['0', '12', *text.split()[2:]])})")


def _call(clock: SourceClock) -> tuple[str, str]:
    match = _CALL.fullmatch(clock.expression.strip())
    if match is None:
        raise ClockError(f"'{clock.expression}' is not cron(…), rate(…) or at(…)")
    return match[1], match[2].strip()


def _of_day(day: date, hours: set[int], minutes: set[int], zone: ZoneInfo) -> Iterator[datetime]:
    """The moments of a day on which the wall clock first shows one of the times."""
    for hour in sorted(hours):
        for minute in sorted(minutes):
            wall = datetime(day.year, day.month, day.day, hour, minute)
            at = wall.replace(tzinfo=zone).astimezone(UTC)
            if at.astimezone(zone).replace(tzinfo=None) == wall:
                yield at


def _days(of_month: str, of_week: str) -> _IsDay:
    """Whether a day is one of the expression's; AWS takes one of the two fields, and '?' in the other one."""
    if (of_month == "?") == (of_week == "?"):
        raise ClockError("exactly one of day of month and day of week is '?'")
    if of_week == "?":
        return _day_of_month(of_month)
    if of_week == "L":
        return lambda day: _week_day(day) == len(_DAYS)
    if match := re.fullmatch(r"([A-Z0-9]+)(L|#[1-5])", of_week):
        wanted, rest = _number(_OF_WEEK, match[1]), match[2]
        if rest == "L":
            return lambda day: _week_day(day) == wanted and day.day + 7 > _length(day)
        return lambda day: _week_day(day) == wanted and (day.day - 1) // 7 + 1 == int(rest[1])
    if "/" in of_week:
        raise ClockError("a day of the week takes no steps")
    numbers = _numbers(_OF_WEEK, of_week)
    return lambda day: _week_day(day) in numbers


def _day_of_month(text: str) -> _IsDay:
    if text == "LW":
        return lambda day: day.day == _nearest_weekday(day, _length(day))
    if match := re.fullmatch(r"L(?:-([1-9]|[12][0-9]|30))?", text):
        return lambda day: day.day == _length(day) - int(match[1] or 0)
    if text.endswith("W"):
        wanted = _number(_OF_MONTH, text.removesuffix("W"))
        return lambda day: wanted <= _length(day) and day.day == _nearest_weekday(day, wanted)
    numbers = _numbers(_OF_MONTH, text)
    return lambda day: day.day in numbers


def _nearest_weekday(day: date, wanted: int) -> int:
    """The weekday nearest to a day of the month, and in the same month."""
    index = day.replace(day=wanted).weekday()
    if index == 5:
        return wanted - 1 if wanted > 1 else wanted + 2
    if index == 6:
        return wanted + 1 if wanted < _length(day) else wanted - 2
    return wanted


def _numbers(index: int, text: str) -> set[int]:
    """The numbers of a field: `*`, lists, ranges and steps."""
    low, high = _BOUNDS[index]
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step_text = item.partition("/")
        first_text, dash, last_text = base.partition("-")
        first = low if base == "*" else _number(index, first_text)
        last = high if base == "*" else _number(index, last_text) if dash else high if slash else first
        if slash and not re.fullmatch("0*[1-9][0-9]{0,3}", step_text):
            raise ClockError(f"'{item}' has no step")
        if last < first:
            if index == _YEAR:
                raise ClockError(f"'{item}' is not a range of years")
            last += high - low + 1
        found |= {(each - low) % (high - low + 1) + low for each in range(first, last + 1, int(step_text or 1))}
    return found


def _number(index: int, text: str) -> int:
    names = _NAMES.get(index, [])
    low, high = _BOUNDS[index]
    if text in names:
        return names.index(text) + 1
    if not re.fullmatch("[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise ClockError(f"'{text}' is not {low} to {high}")
    return int(text)


def _week_day(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]
