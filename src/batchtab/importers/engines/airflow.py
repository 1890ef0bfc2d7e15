"""Airflow's timetables: a cron expression, or several with ` | ` between them, which start one run for each time.

A length of time is `86400 seconds from 2026-01-01T00:00:00+00:00`.
A timetable of data intervals starts a run at the end of each interval, which is a time of the expression as well: only
the first and the last run differ (`first`, `last`). Times that clocks skip come as much later as the clocks go forward;
of a time that comes twice the second counts. An expression of every hour goes by real time.
https://github.com/apache/airflow/blob/main/airflow-core/src/airflow/timetables/_cron.py
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from batchtab.importers.engines import ClockError
from batchtab.importers.engines._croniter import Cron, parse
from batchtab.importers.imported import SourceClock

BETWEEN = " | "
_LENGTH = re.compile(r"([1-9][0-9]*) seconds from (\S+)")
_DAY = timedelta(days=1)
_DAYS_LOOKED_AT = 366 * 9  # 29 February across a century's end without one


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """When Airflow creates a run."""
    if match := _LENGTH.fullmatch(clock.expression):
        return _steps(int(match[1]), datetime.fromisoformat(match[2]), since)
    crons = [parse(each) for each in clock.expression.split(BETWEEN)]
    zone = ZoneInfo(clock.timezone)
    return (at for at, _ in groupby(heapq.merge(*(_times(each, zone, since) for each in crons))))


def at_noon(clock: SourceClock) -> SourceClock | None:
    """The same days, at 12:00; None where clocks may shift the first time of a day, or there are several."""
    if match := _LENGTH.fullmatch(clock.expression):
        is_daily = _DAY.total_seconds() % int(match[1]) == 0
        return replace(clock, expression="0 12 * * *") if is_daily else None
    cron = parse(clock.expression) if BETWEEN not in clock.expression else None
    is_shifted = cron is not None and cron.has_every_hour and not cron.has_every_day and _changes(clock.timezone)
    if cron is None or is_shifted:
        return None
    fields = clock.expression.split()
    return replace(clock, expression=" ".join(["0", "12", *(fields[2:] or "***")]))


def first(clock: SourceClock, start: datetime, *, has_intervals: bool) -> datetime:
    """The first run of a DAG that starts at a moment: a time at or after it; with intervals, the second such time.

    Raises:
        ClockError: There is none.
    """
    found = (at for at in times(clock, start) if at >= start)
    try:
        at = next(found)
        return next(found) if has_intervals else at
    except StopIteration:
        raise ClockError(f"'{clock.expression}' has no time after {start.isoformat()}") from None


def last(clock: SourceClock, end: datetime, *, has_intervals: bool) -> datetime:
    """The last moment of a DAG that ends at a moment: with intervals, the end of the one that it is in."""
    if not has_intervals:
        return end
    return next((at for at in times(clock, end) if at > end), end)


def _steps(seconds: int, anchor: datetime, since: datetime) -> Iterator[datetime]:
    step = timedelta(seconds=seconds)
    at = anchor + max(0, -((anchor - since) // step)) * step
    while True:
        yield at.astimezone(UTC)
        at += step


def _changes(timezone: str) -> bool:
    """Whether clocks of a zone change, in the years that are of interest."""
    zone, months = ZoneInfo(timezone), [(year, month) for year in range(2020, 2060) for month in (1, 4, 7, 10)]
    return len({datetime(*each, 1, tzinfo=zone).utcoffset() for each in months}) > 1


def _times(cron: Cron, zone: ZoneInfo, since: datetime) -> Iterator[datetime]:
    at = _to_utc(_day_before(cron, since.astimezone(zone).replace(tzinfo=None)), zone)
    while True:
        wall = at.astimezone(zone).replace(tzinfo=None)
        following = _following(cron, wall)
        if following is None:
            return
        at = at + (following - wall) if cron.has_every_hour else _to_utc(following, zone)
        if at >= since:
            yield at


def _day_before(cron: Cron, wall: datetime) -> datetime:
    """The minute before the last day, two days before or earlier, on which it starts."""
    day = wall.date() - 2 * _DAY
    for _ in range(_DAYS_LOOKED_AT):
        if cron.is_day(day):
            break
        day -= _DAY
    return datetime.combine(day, time()) - timedelta(minutes=1)


def _following(cron: Cron, wall: datetime) -> datetime | None:
    day = wall.date()
    if cron.is_day(day):
        index = bisect_right(cron.times, 60 * wall.hour + wall.minute)
        if index < len(cron.times):
            return datetime.combine(day, time()) + timedelta(minutes=cron.times[index])
    for _ in range(_DAYS_LOOKED_AT):
        day += _DAY
        if cron.is_day(day):
            return datetime.combine(day, time()) + timedelta(minutes=cron.times[0])
    return None


def _to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment, the second of two; of a time that clocks skip, the one as much later as they go forward."""
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if second.astimezone(zone).replace(tzinfo=None) == wall:
        return second
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
