"""What a job may use in a month: an upper bound, because only its timeout is declared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jobs.schedule import Cron, Once, ScheduleError, parse

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


def runs_per_month(schedule: str, now: datetime) -> float:
    """How often a schedule fires in a month, as the mean of the twelve months that begin with this one."""
    return _runs_per_month(schedule, now.year * _MONTHS + now.month - 1)


@lru_cache(maxsize=4096)
def _runs_per_month(schedule: str, first: int) -> float:
    parsed = parse(schedule)
    if isinstance(parsed, Once):
        ahead = parsed.wall.year * _MONTHS + parsed.wall.month - 1 - first
        return 1 / _MONTHS if 0 <= ahead < _MONTHS else 0.0
    if not isinstance(parsed, Cron):
        return _SECONDS_PER_MONTH / parsed.seconds
    per_day = len(parsed.minutes) * len(parsed.hours)
    months = [divmod(first + number, _MONTHS) for number in range(_MONTHS)]
    days = sum(
        len(parsed.days(year, month + 1))
        for year, month in months
        if year in parsed.years and month + 1 in parsed.months
    )
    return per_day * days / _MONTHS


def usage(
    *,
    schedule: str | None,
    suspended: bool,
    vcpus: float,
    memory_mib: int,
    timeout_seconds: int | None,
    attempts: int,
    array_size: int | None,
    now: datetime,
) -> Usage | None:
    """The bound; None where nothing bounds it or the schedule cannot be read."""
    if schedule is None or suspended:
        return Usage(0, 0, 0)
    if timeout_seconds is None:
        return None
    try:
        runs = runs_per_month(schedule, now)
    except ScheduleError:
        return None
    hours = runs * (array_size or 1) * attempts * timeout_seconds / 3600
    return Usage(runs, hours * vcpus, hours * memory_mib / 1024)
