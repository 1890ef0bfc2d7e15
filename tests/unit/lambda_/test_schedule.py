"""Schedules, read backwards: the last time of an expression, in any zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.lambda_.support import START

from batchtab.schedules.timing import Timing
from job_alerts.schedule import Schedule
from shared import zones


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def last_due(schedule: Schedule | str, since: datetime, until: datetime) -> int | None:
    found = Schedule(schedule) if isinstance(schedule, str) else schedule
    return found.last_due(int(since.timestamp()), int(until.timestamp()))


EXPRESSIONS = [
    *("0 0 * * ? *", "7/10 * * * ? *", "15 9,17 ? * MON-FRI *", "0 0 L * ? *", "0 0 LW * ? *", "30 1 15W * ? *"),
    *("0 12 ? * 6#3 *", "0 12 ? * FRIL *", "5 4 ? * L *", "0 0 1 JAN,JUL ? *", "0 6 29 2 ? *", "0 0 L-3 * ? *"),
    *("0/7 3-5 1/9 * ? *", "0 8 ? * 2,4 2026-2028", "59 23 31 12 ? *", "0 0 1W * ? *"),
]


@pytest.mark.parametrize("fields", EXPRESSIONS)
@given(moment=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)))
@settings(max_examples=examples(25), deadline=None)
def test_the_last_time_is_the_one_that_the_project_s_own_clock_gives(fields: str, moment: datetime) -> None:
    # GIVEN the times of an expression after a moment, as batchtab.schedules.expression counts them
    expression = f"cron({fields})"
    at = moment.replace(tzinfo=UTC, microsecond=0)
    runs = Timing(expression).next_runs(at, 3)
    for earlier, later in pairwise(runs):
        # THEN just before the later one, and at the earlier, the last one is the earlier
        for until in (earlier, later - timedelta(seconds=1)):
            assert last_due(expression, at, until) == earlier.timestamp()
    if runs and runs[0] > at:
        assert last_due(expression, at + timedelta(seconds=1), runs[0] - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "cron()", "cron(x 0 * * ? *)", "cron(0 0 * *)", "at(tomorrow)", "at()", "rate(x)", "0 9 * * *", "@daily"),
        *("cron(0 25 * * ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 31 2 ? *)"),
    ],
)
def test_what_is_no_schedule_has_a_fault_and_no_times(text: str) -> None:
    fault = Schedule(text).fault
    assert fault.startswith(repr(text))
    assert len(fault) > len(repr(text)) + 5


@pytest.mark.parametrize(
    "text", ["cron(0/30 20-2 ? * MON-FRI *)", "cron(0 0 ? * FRI-MON *)", "rate(1 day)", "at(2027-01-01T00:00:00)"]
)
def test_what_aws_takes_has_no_fault(text: str) -> None:
    assert Schedule(text, "Asia/Seoul", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").fault == ""


def test_a_range_of_hours_goes_on_after_midnight() -> None:
    schedule = Schedule("cron(0/30 20-2 ? * MON-FRI *)")
    friday = datetime(2026, 11, 27, 2, 59, tzinfo=UTC)
    assert last_due(schedule, friday - timedelta(hours=1), friday) == seconds("2026-11-27T02:30:00+00:00")
    assert last_due(schedule, friday, friday + timedelta(hours=17)) is None


def test_a_rate_has_a_period() -> None:
    texts = ("1 minute", "5 minutes", "2 hours", "1 day")
    assert [Schedule(f"rate({text})").period for text in texts] == [60, 300, 7200, 86_400]


# --- zones

# Around the changes of clocks: by an hour, by half an hour, at midnight, and none.
CHANGES = [
    ("Europe/Berlin", "2026-03-29T00:00"),
    ("Europe/Berlin", "2026-10-25T00:00"),
    ("America/New_York", "2026-03-08T00:00"),
    ("America/New_York", "2026-11-01T00:00"),
    ("Australia/Lord_Howe", "2026-04-05T00:00"),
    ("Australia/Lord_Howe", "2026-10-04T00:00"),
    ("America/Havana", "2026-03-08T00:00"),
    ("America/Havana", "2026-11-01T00:00"),
    ("Asia/Seoul", "2026-05-03T00:00"),
]
TIMES = [
    "30 2 * * ? *",
    "0 0 * * ? *",
    "0/15 * * * ? *",
    "45 23 * * ? *",
    "15,45 0-3 ? * SAT,SUN,MON *",
    "0 12 ? * SUN *",
]


@pytest.fixture(params=["database", "bundled"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's database of zones, and the one that comes with boto3."""
    if request.param == "bundled":
        monkeypatch.setattr("zoneinfo.ZoneInfo", _no_database)
    zones.zone.cache_clear()
    yield request.param
    zones.zone.cache_clear()


def _no_database(name: str) -> None:
    raise KeyError(name)


@pytest.mark.parametrize("fields", TIMES)
@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_each_time_of_a_zone_is_a_run_once(source: str, name: str, day: str, fields: str) -> None:
    # GIVEN each minute of three days, and what the clocks of the zone show then
    expression = f"cron({fields})"
    first = datetime.fromisoformat(f"{day}+00:00") - timedelta(days=1)
    minutes = [first + timedelta(minutes=number) for number in range(3 * 1440)]
    # (batchtab.schedules.expression counts wall-clock times as if they were UTC's)
    walls = set(Timing(expression).next_runs(first - timedelta(days=2), 800))
    shown = [minute.astimezone(ZoneInfo(name)) for minute in minutes]
    # WHEN a run is each minute that shows one of its times, unless the clocks show it for the second time
    runs = [
        int(minute.timestamp())
        for minute, wall in zip(minutes, shown, strict=True)
        if not wall.fold and wall.replace(tzinfo=UTC) in walls
    ]
    # THEN going backwards finds just these
    schedule = Schedule(expression, name)
    since, until, found = int(first.timestamp()), int(minutes[-1].timestamp()), []
    while (due := schedule.last_due(since, until)) is not None:
        found.append(due)
        until = due - 1
    assert found[::-1] == runs
    assert runs
    assert isinstance(zones.zone(name), tzfile) is (source == "bundled")


def test_a_time_that_the_clocks_skip_is_no_run() -> None:
    berlin = Schedule("cron(30 2 29 3 ? 2026)", "Europe/Berlin")
    assert last_due(berlin, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)) is None
    once = Schedule("at(2026-03-29T02:30:00)", "Europe/Berlin")
    assert last_due(once, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)) is None


def test_a_time_that_the_clocks_show_twice_is_the_first() -> None:
    for expression in ("cron(30 2 25 10 ? 2026)", "at(2026-10-25T02:30:00)"):
        berlin = Schedule(expression, "Europe/Berlin")
        due = last_due(berlin, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))
        assert due == seconds("2026-10-25T00:30:00+00:00")


@pytest.mark.parametrize("name", ["Nowhere/Atlantis", "../etc/passwd", "Europe", " ", "x" * 300])
def test_a_zone_that_nobody_knows_is_a_fault(name: str, source: str) -> None:
    assert zones.zone(name) is None, source
    assert Schedule("cron(0 0 * * ? *)", name).fault == f"{name!r} is not a known time zone"
    with pytest.raises(ValueError, match="is not a known time zone"):
        Schedule("cron(0 0 * * ? *)", name).last_due(0, START)


def test_a_start_that_is_no_moment_is_a_fault() -> None:
    assert Schedule("cron(0 0 * * ? *)", start="2026-03-02").fault == "'2026-03-02' is not a moment in UTC"
    assert Schedule("cron(0 0 * * ? *)", end="never").fault == "'never' is not a moment in UTC"


# --- starts and ends


def test_no_run_is_due_before_the_start_or_after_the_end() -> None:
    schedule = Schedule("cron(0 0 * * ? *)", "", "2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z")
    long_ago, far = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    assert last_due(schedule, long_ago, far) == seconds("2026-03-04T00:00:00+00:00")
    assert last_due(schedule, long_ago, datetime(2026, 3, 3, 23, tzinfo=UTC)) == seconds("2026-03-03T00:00:00+00:00")
    assert last_due(schedule, long_ago, datetime(2026, 3, 2, tzinfo=UTC)) == seconds("2026-03-02T00:00:00+00:00")
    assert last_due(schedule, long_ago, datetime(2026, 3, 1, 23, tzinfo=UTC)) is None


def test_a_rate_has_no_times_of_its_own() -> None:
    assert Schedule("rate(7 minutes)").last_due(0, START) is None
