"""What a job may use in a month: an upper bound, because only its timeout is declared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from batchtab.schedules.expression import Cron, Once, parse
from batchtab.schedules.timing import Timing

_MONTHS = 12
_SECONDS_PER_MONTH = 365.25 * 86_400 / _MONTHS


@dataclass(frozen=True)
class Usage:
    """At most this much in a month: all attempts of all runs lasting until their timeout, in all children of an array.

    Real use is lower by as much as runs are shorter than their timeout.
    """

    runs: float
    vcpu_hours: float
    gib_hours: float


def runs_per_month(timing: Timing, now: datetime) -> float:
    """How often a schedule fires in a month, as the mean of the twelve months that begin with this one."""
    return _runs_per_month(timing, now.year * _MONTHS + now.month - 1)


@lru_cache(maxsize=4096)
def _runs_per_month(timing: Timing, first: int) -> float:
    parsed = parse(timing.expression)
    begin, end = (
        datetime(number // _MONTHS, number % _MONTHS + 1, 1, tzinfo=UTC) for number in (first, first + _MONTHS)
    )
    since, until = max(timing.start_utc or begin, begin), min(timing.end_utc or end, end)
    if since >= until:
        return 0.0
    if isinstance(parsed, Cron):
        days = [day for day in _days(parsed, first) if _is_between(day, timing)]
        return _times(days, parsed, timing) / _MONTHS
    if isinstance(parsed, Once):
        return len(timing.between(since, until)) / _MONTHS
    whole = (until - since) / (end - begin)
    return _SECONDS_PER_MONTH / parsed.seconds * whole


def _days(parsed: Cron, first: int) -> list[date]:
    months = [divmod(first + number, _MONTHS) for number in range(_MONTHS)]
    return [
        date(year, month + 1, day)
        for year, month in months
        if year in parsed.years and month + 1 in parsed.months
        for day in parsed.days(year, month + 1)
    ]


def _is_between(day: date, timing: Timing) -> bool:
    start, end = (moment and moment.astimezone(timing.zone).date() for moment in (timing.start_utc, timing.end_utc))
    return (start is None or day >= start) and (end is None or day <= end)


def _times(days: list[date], parsed: Cron, timing: Timing) -> int:
    """How many times these days have, without excluded ones."""
    if not timing.exclusions:
        return len(days) * len(parsed.minutes) * len(parsed.hours)
    times = frozenset((hour, minute) for hour in parsed.hours for minute in parsed.minutes)
    return sum(len(timing.exclusions.left_of(day, times)) for day in days)


def usage(
    *,
    timing: Timing | None,
    vcpus: float,
    memory_mib: int,
    timeout_seconds: int | None,
    attempts: int,
    array_size: int | None,
    now: datetime,
) -> Usage | None:
    """The bound; None where nothing bounds it.

    Args:
        timing: None for a job that no schedule starts.
        vcpus: Of an attempt.
        memory_mib: Of an attempt.
        timeout_seconds: Of an attempt.
        attempts: The maximum number of attempts.
        array_size: How many children there are; None for no array.
        now: Which twelve months are looked at.
    """
    if timing is None:
        return Usage(0, 0, 0)
    if timeout_seconds is None:
        return None
    runs = runs_per_month(timing, now)
    hours = runs * (array_size or 1) * attempts * timeout_seconds / 3600
    return Usage(runs, hours * vcpus, hours * memory_mib / 1024)
