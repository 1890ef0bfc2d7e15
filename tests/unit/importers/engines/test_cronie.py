"""cronie below CRON_TZ, by its source: what a minute's wall clock shows counts, and DST is not looked after.

https://github.com/cronie-crond/cronie/blob/master/src/cron.c, `find_jobs`
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from batchtab.importers import engines
from batchtab.importers.engines import ClockError
from batchtab.importers.imported import SourceClock

_FALL, _SPRING = datetime(2026, 11, 1, 3, tzinfo=UTC), datetime(2027, 3, 14, 3, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def hours(expression: str, since: datetime, engine: str = "cronie") -> list[str]:
    clock = SourceClock(engine, expression, "America/New_York")
    return [f"{each:%H:%M}" for each in engines.times(clock, since, since + timedelta(hours=6))]


@pytest.mark.parametrize(
    ("expression", "fall", "spring"),
    [
        ("30 1 * * *", ["05:30", "06:30"], ["06:30"]),
        ("30 2 * * *", ["07:30"], []),
        ("*/30 1 * * *", ["05:00", "05:30", "06:00", "06:30"], ["06:00", "06:30"]),
        ("15 1-3 * * *", ["05:15", "06:15", "07:15", "08:15"], ["06:15", "07:15"]),
    ],
)
def test_a_time_that_comes_twice_starts_twice_and_a_skipped_one_never(
    expression: str, fall: list[str], spring: list[str]
) -> None:
    assert hours(expression, _FALL) == fall
    assert hours(expression, _SPRING) == spring


def test_debians_cron_makes_up_for_a_skipped_time_and_counts_one_that_comes_twice_once() -> None:
    assert hours("30 1 * * *", _FALL, "vixie") == ["05:30"]
    assert hours("30 2 * * *", _SPRING, "vixie") == ["07:00"]


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("America/New_York", ("2026-03-08", "2026-11-01")),
        ("Europe/Berlin", ("2026-03-29", "2026-10-25")),
        ("Australia/Lord_Howe", ("2026-04-05", "2026-10-04")),
        ("Africa/Cairo", ("2026-04-24", "2026-10-30")),
    ],
)
@pytest.mark.parametrize("expression", ["*/20 0-3 * * *", "15 1 1 * 7", "30 23 */2 * 4-7", "45 * * 3,4,10,11 *"])
def test_they_are_the_minutes_whose_wall_clock_matches(zone: str, changes: tuple[str, str], expression: str) -> None:
    for change in changes:
        begin = datetime.fromisoformat(f"{change}T00:00:00+00:00") - timedelta(days=4)
        end = begin + timedelta(days=8)
        found = [*engines.times(SourceClock("cronie", expression, zone), begin, end)]
        assert found == [at for at in _minutes(begin, end) if _matches(expression, at.astimezone(ZoneInfo(zone)))]
        assert found


def _minutes(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + _MINUTE * index for index in range(int((end - begin) / _MINUTE))]


def _matches(expression: str, wall: datetime) -> bool:
    minute, hour, day, month, week = expression.split()
    days = _is_in(day, wall.day, 1), _is_in(week, wall.isoweekday(), 0)
    return (
        _is_in(minute, wall.minute, 0)
        and _is_in(hour, wall.hour, 0)
        and _is_in(month, wall.month, 1)
        and (all(days) if "*" in {day[0], week[0]} else any(days))
    )


def _is_in(field: str, value: int, low: int) -> bool:
    for item in field.split(","):
        base, _, step = item.partition("/")
        first, _, last = base.partition("-")
        if base == "*" and (value - low) % int(step or 1) == 0:
            return True
        if base != "*" and int(first) <= value <= int(last or first):
            return True
    return False


def test_what_cron_refuses_and_what_never_comes() -> None:
    with pytest.raises(ClockError, match="minute"):
        next(engines.times(SourceClock("cronie", "61 * * * *", "UTC"), _FALL, _SPRING))
    for engine in ("cronie", "vixie"):
        clock = SourceClock(engine, "0 0 31 2 *", "Europe/Berlin")
        assert not engines.is_valid(clock)
        assert not [*engines.times(clock, _FALL, _FALL + timedelta(days=4000))]
        assert engines.is_valid(SourceClock(engine, "0 0 31 13 *", "UTC"))
        assert engines.is_valid(SourceClock(engine, "0 0 32 2 *", "UTC"))
        assert engines.is_valid(SourceClock(engine, "0 0 31 2 9", "UTC"))
