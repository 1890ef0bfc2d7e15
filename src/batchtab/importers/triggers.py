"""Five fields of crontab or Kubernetes as schedules of jobs.yaml that start at the same times."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.schedules import crontab
from batchtab.schedules.cron import ScheduleError
from batchtab.schedules.expression import check
from batchtab.schedules.timing import Timing

__all__ = ["ScheduleError", "Trigger", "of_fields", "that_happen"]

_FIELD_COUNT = 5
_MINUTE, _HOUR, _OF_MONTH, _MONTH, _OF_WEEK = range(_FIELD_COUNT)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_STEPS = (59, 23, 31, 12, 7)  # the longest that jobs.yaml takes
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EVERY_HOUR = {"*", "*/1", "0-23"}
_HOUR_SECONDS = 3600
_YEARS_LOOKED_AT = 6
_LEAP_YEAR = 2028


@dataclass(frozen=True, slots=True)
class Trigger:
    """A schedule of jobs.yaml.

    Attributes:
        schedule: What jobs.yaml says.
        timezone: Its zone; None is UTC.
        except_: Times on which the job does not run.
        note: How it differs from the source's text; empty if it does not.
    """

    schedule: str
    timezone: str | None = None
    except_: tuple[str, ...] = ()
    note: str = ""

    def settings(self) -> dict[str, Any]:
        """Its fields in jobs.yaml."""
        found: dict[str, Any] = {"schedule": self.schedule}
        if self.timezone and self.timezone != "UTC":
            found["timezone"] = self.timezone
        if self.except_:
            found["except"] = list(self.except_)
        return found


def of_fields(expression: str, timezone: str | None = None, *, is_kubernetes: bool = False) -> list[Trigger]:
    """The triggers that together start at the times of an expression: one, or two for day of month *or* day of week.

    The second of two excludes the days of the first, so that no time starts two runs.

    Args:
        expression: Five fields or a word such as `@daily`.
        timezone: The IANA name of the zone in which the source reads it; None is UTC.
        is_kubernetes: Whether `*/2` counts as a day that is set, as Kubernetes takes it; Debian's cron does not.

    Raises:
        ScheduleError: No schedule of jobs.yaml means the same: why, and perhaps what to write.
    """
    text = " ".join(expression.split())
    fields = text.split(" ")
    if text.startswith("@") or len(fields) != _FIELD_COUNT:
        check(text)
        return [Trigger(text, timezone)]
    is_free = [_is_free(fields[index], is_kubernetes) for index in (_OF_MONTH, _OF_WEEK)]
    fields, notes = _plain(fields)
    if _are_all(fields, _OF_MONTH) or _are_all(fields, _OF_WEEK):
        # Every day of one: with "and" the other alone counts, with "or" none.
        for index in (_OF_MONTH, _OF_WEEK):
            if not any(is_free) or _are_all(fields, index):
                notes += [f"{fields[index]} is written as *, because every day counts"] if fields[index] != "*" else []
                fields[index] = "*"
    zone, note = _zone(fields, timezone)
    notes += [note] if note else []
    if "*" not in {fields[_OF_MONTH], fields[_OF_WEEK]}:
        return that_happen([_both(fields, zone, notes)] if any(is_free) else _either(fields, zone, notes))
    schedule = " ".join(fields)
    check(schedule)
    return [Trigger(schedule, zone, note="; ".join(notes))]


def that_happen(found: list[Trigger]) -> list[Trigger]:
    """Without those that never start, such as one whose days another one has all.

    Raises:
        ScheduleError: None is left.
    """
    left = [
        each
        for each in found
        if not Timing.of(each.schedule, timezone=each.timezone, excluded=each.except_, trigger="schedule").why_never()
    ]
    if not left:
        raise ScheduleError("never happens: no day matches it")
    return left


def _is_free(text: str, is_kubernetes: bool) -> bool:
    """Whether a field of days makes that days must be of both fields: it does not count as set."""
    if not is_kubernetes:
        return text.startswith(("*", "?"))
    return any(re.fullmatch(r"[*?](/0*1)?", item) for item in text.split(","))


def _plain(fields: list[str]) -> tuple[list[str], list[str]]:
    """The fields without what jobs.yaml refuses though it has one meaning, and what was changed."""
    found, notes = [], []
    for index, text in enumerate(fields):
        plain = text.replace("?", "*")
        if any(re.fullmatch(r"\*(/0*1)?", item) for item in plain.split(",")):
            plain = "*"
        elif any(int(step) > _STEPS[index] for step in re.findall(r"/([0-9]{1,9})", plain)):
            numbers = _numbers(plain, index)
            plain = ",".join(map(str, sorted(numbers))) if numbers else plain
        if text not in {plain, "?"}:
            notes.append(f"{text} is written as {plain}, which means the same")
        found.append(plain)
    return found, notes


def _numbers(text: str, index: int) -> frozenset[int]:
    """The numbers of a field; none where it is not understood, which `check` then refuses."""
    low, high = _BOUNDS[index]
    names = {_MONTH: _MONTHS, _OF_WEEK: _DAYS}.get(index, ())

    def number(name: str) -> int:
        return names.index(name.upper()) + low if name.upper() in names else int(name)

    found: set[int] = set()
    try:
        for item in text.split(","):
            base, slash, step = item.partition("/")
            first_text, dash, last_text = base.partition("-")
            first = low if base == "*" else number(first_text)
            last = high if base == "*" or (slash and not dash) else number(last_text) if dash else first
            found.update(range(first, last + 1, int(step) if slash else 1))
    except ValueError:
        return frozenset()
    return frozenset(each % len(_DAYS) for each in found) if index == _OF_WEEK else frozenset(found)


def _are_all(fields: list[str], index: int) -> bool:
    return len(_numbers(fields[index], index)) == _BOUNDS[index][1] - _BOUNDS[index][0] + 1


def _either(fields: list[str], zone: str | None, notes: list[str]) -> list[Trigger]:
    """Day of month or day of week: two triggers, and no day is of both."""
    of_month, of_week = [*fields], [*fields]
    of_month[_OF_WEEK] = of_week[_OF_MONTH] = "*"
    first, second = " ".join(of_month), " ".join(of_week)
    note = "either day counts, which is two jobs; the second excludes the days of the first"
    text = "; ".join([*notes, note])
    check(second)
    if not _is_of_month(fields):
        note = f"no month has day {fields[_OF_MONTH]}, which leaves the days of the week"
        return [Trigger(second, zone, note="; ".join([*notes, note]))]
    return [Trigger(first, zone, note=text), Trigger(second, zone, (crontab.to_aws(first),), text)]


def _is_of_month(fields: list[str]) -> bool:
    """Whether one of its months has one of its days; True where they are not understood."""
    days, months = _numbers(fields[_OF_MONTH], _OF_MONTH), _numbers(fields[_MONTH], _MONTH)
    if not days or not months or max(days) > _BOUNDS[_OF_MONTH][1]:
        return True
    return any(min(days) <= monthrange(_LEAP_YEAR, month)[1] for month in months)


def _both(fields: list[str], zone: str | None, notes: list[str]) -> Trigger:
    """Days that are of both fields, as Debian's cron takes a field that begins with `*`: one trigger."""
    of_month, of_week = [*fields], [*fields]
    of_month[_OF_WEEK] = of_week[_OF_MONTH] = "*"
    if fields[_OF_WEEK].startswith("*"):
        schedule, others = of_month, of_week
        days = _numbers(fields[_OF_WEEK], _OF_WEEK)
        others[_OF_WEEK] = ",".join(name for day, name in enumerate(_DAYS) if day not in days)
    else:
        schedule, others = of_week, of_month
        days = _numbers(fields[_OF_MONTH], _OF_MONTH)
        others[_OF_MONTH] = ",".join(str(day) for day in range(1, 32) if day not in days)
    text = " ".join(schedule)
    check(text)
    note = "only days of both fields count, which is one schedule and an exclusion"
    return Trigger(text, zone, (crontab.to_aws(" ".join(others)),), "; ".join([*notes, note]))


def _zone(fields: list[str], timezone: str | None) -> tuple[str | None, str]:
    """Its zone; none for a schedule of every hour where clocks differ from UTC by whole hours.

    Scheduler starts each time of the wall clock once, so that such a job would pause for the hour that comes twice.
    """
    if timezone in {None, "UTC", "Etc/UTC"}:
        return None, ""
    if fields[_HOUR] not in _EVERY_HOUR or {*fields[_OF_MONTH:]} != {"*"} or not has_whole_hours(str(timezone)):
        return timezone, ""
    return None, f"in UTC it starts at the same times as in {timezone}, also when clocks change"


@lru_cache
def has_whole_hours(timezone: str) -> bool:
    """Whether a zone's clocks always differ from UTC by whole hours, in the next years."""
    zone = ZoneInfo(timezone)
    at = datetime(datetime.now(UTC).year, 1, 1, tzinfo=UTC)
    for _ in range(366 * _YEARS_LOOKED_AT):
        offset = at.astimezone(zone).utcoffset() or timedelta()
        if offset.total_seconds() % _HOUR_SECONDS:
            return False
        at += timedelta(days=1)
    return True
