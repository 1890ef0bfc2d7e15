"""Schedule expressions, in AWS's forms and crontab's: is it one, and when does it fire?

Times are UTC here, as an EventBridge rule has them; `timing.py` lays a time zone, bounds and exceptions on them.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count as count_up

from batchtab.schedules import cron, crontab, shapes
from batchtab.schedules.cron import Cron, ScheduleError

__all__ = ["Cron", "Once", "Rate", "ScheduleError", "check", "parse"]

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_FIRST_YEAR, _LAST_YEAR = 2000, 2199  # as of all moments, and of cron expressions
#: How a schedule may be written.
FORMS = "cron(…), rate(…), at(…), five fields of crontab or a word such as @daily"


@dataclass(frozen=True, slots=True)
class Once:
    """At one wall-clock time."""

    wall: datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """Every `seconds` seconds, counted from when EventBridge made or changed the rule, not from the full hour."""

    seconds: int

    @property
    def on_the_clock(self) -> str:
        """The same in crontab's five fields, from midnight on; empty where days can't be divided by it."""
        minutes, hours = self.seconds // 60, self.seconds // 3600
        if self.seconds == _UNITS["day"]:
            return "0 0 * * *"
        if self.seconds % _UNITS["hour"] == 0 and 24 % hours == 0:
            return "0 * * * *" if hours == 1 else f"0 */{hours} * * *"
        if self.seconds < _UNITS["hour"] and 60 % minutes == 0:
            return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"
        return ""

    @property
    def text(self) -> str:
        """As EventBridge has it, in the largest unit: `rate(6 hours)`. `seconds` must be whole minutes."""
        unit, size = next((unit, size) for unit, size in reversed(_UNITS.items()) if self.seconds % size == 0)
        number = self.seconds // size
        return f"rate({number} {unit}{'' if number == 1 else 's'})"

    def after(self, moment: datetime, first: datetime) -> Iterator[datetime]:
        """Its times later than `moment`, in order; the first of all is `first`."""
        period = timedelta(seconds=self.seconds)
        for number in count_up(max(0, (moment - first) // period + 1)):
            try:
                yield first + period * number
            except OverflowError:  # beyond the year 9999
                return


@lru_cache(maxsize=8192)
def parse(expression: str) -> Cron | Rate | Once:
    """Read a schedule expression.

    Raises:
        ScheduleError: With what is wrong and, where there is one, the form to write instead.
    """
    if len(expression) > shapes.EXPRESSION_MAX:
        raise ScheduleError(f"is {len(expression)} characters long: at most {shapes.EXPRESSION_MAX}")
    converted = crontab.to_aws(expression)
    if match := re.fullmatch(r"cron\(([^()]*)\)", converted):
        return cron.parse(match[1])
    if match := re.fullmatch(r"rate\(([^()]*)\)", converted):
        return _rate(match[1])
    if match := re.fullmatch(r"at\(([^()]*)\)", converted):
        return _once(match[1])
    raise ScheduleError(f"is not a schedule: {FORMS}")


def check(expression: str) -> None:
    """Refuse what AWS would refuse, and what would never fire.

    Raises:
        ScheduleError: With what is wrong and, where there is one, the form to write instead.
    """
    parse(expression)


def _rate(text: str) -> Rate:
    match = re.fullmatch(r"([0-9]+) +([a-z]+)", text.strip())
    if match is None:
        raise ScheduleError("is not a rate: rate(N minutes), rate(N hours) or rate(N days)", "rate(5 minutes)")
    value, unit = int(match[1][:9]), match[2]
    single = unit.removesuffix("s")
    if single not in _UNITS:
        hint = (
            "rate(1 minute) is the shortest"
            if single == "second"
            else f"rate({7 * value} days)"
            if single == "week"
            else ""
        )
        raise ScheduleError(f"has the unit '{unit}': minutes, hours or days", hint)
    if value < 1:
        raise ScheduleError(f"has the value {value}: 1 or more")
    wanted = single if value == 1 else f"{single}s"
    if unit != wanted:
        raise ScheduleError(f"says '{value} {unit}', which AWS refuses", f"rate({value} {wanted})")
    return Rate(value * _UNITS[single])


def _once(text: str) -> Once:
    form = "at(yyyy-mm-ddThh:mm:ss)"
    hint = ""
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?(Z|[+-][0-9:]{2,6})?", text):
        day, time = text[:10], (text[11:16] if len(text) > 10 else "00:00")
        zone = ", and the zone as timezone" if re.search("Z$|[+-][0-9:]{2,6}$", text[10:]) else ""
        hint = f"write at({day}T{time}:00){zone}"
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise ScheduleError(f"is not a time: {form}", hint)
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise ScheduleError(f"is not a date and time: {form}") from None
    if not _FIRST_YEAR <= wall.year <= _LAST_YEAR:
        raise ScheduleError(f"is too far away: the years {_FIRST_YEAR} to {_LAST_YEAR}")
    if wall.second:
        raise ScheduleError("has seconds: schedules start on the minute", hint)
    return Once(wall)
