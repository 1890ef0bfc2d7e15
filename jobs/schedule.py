"""Schedules of jobs, `cron(…)` and `rate(…)`: is it one, and when does it fire?

EventBridge rules know UTC only, so every time here is UTC. `Cron.after` works on wall-clock times, on which a time zone
can be laid. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from jobs import cron, limits
from jobs.cron import Cron, ScheduleError

__all__ = ["Cron", "Rate", "ScheduleError", "check", "next_runs", "parse"]

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_FORMS = "cron(…) or rate(…)"
_NICKNAMES = {
    "@yearly": "cron(0 0 1 1 ? *)",
    "@annually": "cron(0 0 1 1 ? *)",
    "@monthly": "cron(0 0 1 * ? *)",
    "@weekly": "cron(0 0 ? * SUN *)",
    "@daily": "cron(0 0 * * ? *)",
    "@midnight": "cron(0 0 * * ? *)",
    "@hourly": "cron(0 * * * ? *)",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so many seconds, counted from when EventBridge made or changed the rule, not from the full hour."""

    seconds: int

    def runs(self, after: datetime, count: int, anchor: datetime) -> list[datetime]:
        """The next times later than `after`; the first of all is one period after `anchor`."""
        period = timedelta(seconds=self.seconds)
        done = max(0, (after - anchor) // period)
        return [anchor + period * (done + number) for number in range(1, count + 1)]


def parse(expression: str) -> Cron | Rate:
    """Read a schedule expression.

    Raises:
        ScheduleError: With what is wrong and, where there is one, the form to write instead.
    """
    if len(expression) > limits.SCHEDULE_EXPRESSION_MAX:
        raise ScheduleError(f"is {len(expression)} characters long: at most {limits.SCHEDULE_EXPRESSION_MAX}")
    if match := re.fullmatch(r"cron\(([^()]*)\)", expression):
        return cron.parse(match[1])
    if match := re.fullmatch(r"rate\(([^()]*)\)", expression):
        return _rate(match[1])
    raise ScheduleError(f"is not a schedule: {_FORMS}", _near(expression))


def check(expression: str) -> None:
    """Refuse what AWS would refuse, and what would never fire.

    Raises:
        ScheduleError: With what is wrong and, where there is one, the form to write instead.
    """
    parse(expression)


def next_runs(expression: str, after: datetime, count: int, *, anchor: datetime | None = None) -> list[datetime]:
    """The next `count` times, in UTC, later than `after`; fewer if the schedule ends before.

    Args:
        expression: `cron(…)` or `rate(…)`.
        after: A moment with a time zone.
        count: How many times.
        anchor: From when a rate counts: when its rule was made or changed. Left out: `after`, an estimate.

    Raises:
        ScheduleError: If the expression is not one.
        ValueError: If `after` or `anchor` has no time zone.
    """
    if after.tzinfo is None or (anchor is not None and anchor.tzinfo is None):
        raise ValueError("a moment without a time zone is ambiguous")
    parsed = parse(expression)
    moment = after.astimezone(UTC)
    if isinstance(parsed, Rate):
        return parsed.runs(moment, count, (anchor or after).astimezone(UTC))
    wall_clock = moment.replace(tzinfo=None)
    return [run.replace(tzinfo=UTC) for run in islice(parsed.after(wall_clock), count)]


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
    if limits.RATE_VALUE.refusal(value):
        raise ScheduleError(f"has the value {value}: {limits.RATE_VALUE.describe()}")
    wanted = single if value == 1 else f"{single}s"
    if unit != wanted:
        raise ScheduleError(f"says '{value} {unit}', which AWS refuses", f"rate({value} {wanted})")
    return Rate(value * _UNITS[single])


def _near(expression: str) -> str:
    text = expression.strip()
    if text in _NICKNAMES:
        return f"write {_NICKNAMES[text]}"
    fields = text.split()
    if text.lower().startswith(("cron", "rate")):
        return "write it in small letters, with one pair of parentheses and no space before or around them"
    if len(fields) == 6 and "?" in fields:
        return f"write cron({text})"
    if nearest := cron.from_five_fields(fields):
        return f"write {nearest}"
    if len(fields) == 5:
        return f"AWS's cron has six fields, {cron.FIELD_NAMES}, and counts the days from SUN = 1"
    return ""
