from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from batchtab.schedules.cron import ScheduleError, parse
from batchtab.schedules.exclusions import Exclusions
from job_alerts.schedule import Schedule
from submit_run.exclusions import excluded_by
from submit_run.request import Job, Request


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("2026-12-25", "2026-12-25 23:59", "2026-12-26 00:00"),
        ("2026-12-24/2027-01-02", "2027-01-02 23:59", "2026-12-23 23:59"),
        ("cron(0 9 ? * SAT-SAT *)", "2026-12-26 09:00", "2026-12-26 09:01"),
        ("cron(* * ? * SAT,SUN *)", "2026-12-27 13:37", "2026-12-28 00:00"),
        ("cron(* * 1 1 ? *)", "2027-01-01 00:00", "2027-02-01 00:00"),
        ("cron(* * L * ? 2027)", "2027-02-28 12:00", "2026-12-31 12:00"),
    ],
)
def test_an_entry_names_minutes_of_a_wall_clock(entry: str, inside: str, outside: str) -> None:
    exclusions = Exclusions.parse([entry])

    assert exclusions.matches(datetime.fromisoformat(inside))
    assert not exclusions.matches(datetime.fromisoformat(outside))


def test_ranges_that_touch_or_overlap_are_one() -> None:
    exclusions = Exclusions.parse(
        ["2026-12-28/2026-12-31", "2026-12-24/2026-12-26", "2026-12-26/2026-12-27", "2027-01-02"]
    )

    assert exclusions.covers(date(2026, 12, 24)) == date(2026, 12, 31)
    assert exclusions.covers(date(2026, 12, 30)) == date(2026, 12, 31)
    assert exclusions.covers(date(2027, 1, 1)) is None


def test_no_entries_are_no_exceptions() -> None:
    assert not Exclusions.parse([])
    assert not Exclusions().matches(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("entry", "reason", "hint"),
    [
        ("2026-02-30", "has 2026-02-30, which is not a date", ""),
        ("2026-12-24/2026-13-01", "has 2026-13-01, which is not a date", ""),
        ("2027-01-02/2026-12-24", "runs backwards", "write 2026-12-24/2027-01-02"),
        ("2026-12-24 - 2027-01-02", "is not allowed: a date", "write 2026-12-24/2027-01-02"),
        ("25.12.2026", "is not allowed: a date (2026-12-25), two dates (2026-12-24/2027-01-02) or cron(…)", ""),
        ("* * * * SAT", "is not allowed", "write cron(…) with AWS's six fields"),
        ("rate(1 day)", "is not allowed", ""),
        ("cron(* * * * SAT *)", "has no '?'", "cron(* * ? * SAT *)"),
        ("cron(", "is not allowed", ""),
    ],
)
def test_what_is_no_exception_is_refused_with_what_is_wrong(entry: str, reason: str, hint: str) -> None:
    with pytest.raises(ScheduleError) as error:
        Exclusions.parse([entry])

    assert error.value.reason.startswith(reason)
    assert error.value.hint == hint


DATES = st.dates(date(2026, 11, 1), date(2027, 3, 1))
RANGES = st.tuples(DATES, DATES).map(sorted).map(lambda days: f"{days[0]}/{days[1]}")
OF_DAY = st.sampled_from(("* *", "0 *", "*/7 1-20/3", "5/20 9,10,21", "0-30,45 22/1"))
DAYS = st.sampled_from(
    (
        *("* * ?", "L * ?", "L-3 12 ?", "LW * ?", "15W * ?", "1W 1 ?", "31W * ?", "*/5 * ?", "24-26 DEC ?"),
        *("? * MON-FRI", "? * SAT,SUN", "? * 1", "? NOV-DEC 6L", "? * FRIL", "? * L", "? 1/2 MON#1", "? * 3#5"),
    )
)
CRONS = st.tuples(OF_DAY, DAYS, st.sampled_from(("*", "2026", "2027-2030", "2020/7"))).map(
    lambda f: f"cron({' '.join(f)})"
)


@settings(max_examples=examples(1000))
@given(
    entry=st.one_of(DATES.map(str), RANGES, CRONS),
    at=st.datetimes(datetime(2026, 11, 1), datetime(2027, 3, 1)),
    zone=st.sampled_from(("UTC", "Asia/Seoul", "America/St_Johns")),
)
def test_the_functions_read_exceptions_as_the_calendar_shows_them(entry: str, at: datetime, zone: str) -> None:
    # GIVEN an exception and a run
    moment = at.replace(second=0, microsecond=0, tzinfo=UTC)
    job = Job("job", "queue", "definition", timezone=zone, excluded=(entry,))

    # WHEN the function is asked whether it is excepted
    by_function = excluded_by(Request(job, moment, "", is_backfill=False, event={}))

    # THEN it says what `batchtab next` and the calendar show
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    shown = Exclusions.parse([entry]).matches(wall)
    assert bool(by_function) == shown
    # AND the alerts' function, which looks for late runs, reads expressions alike
    if entry.startswith("cron("):
        minute = int(wall.replace(tzinfo=UTC).timestamp())
        assert (Schedule(entry).last_due(minute, minute) == minute) == shown


@settings(max_examples=examples(60), deadline=None)
@given(
    schedule=CRONS,
    entries=st.lists(st.one_of(DATES.map(str), RANGES, CRONS), min_size=1, max_size=3),
    since=st.dates(date(2025, 1, 1), date(2032, 1, 1)),
)
def test_the_next_day_is_the_first_that_a_look_at_each_day_finds(
    schedule: str, entries: list[str], since: date
) -> None:
    # GIVEN a schedule, exceptions and a day
    exclusions, cron = Exclusions.parse(entries), parse(schedule[5:-1])
    times = frozenset((hour, minute) for hour in cron.hours for minute in cron.minutes)
    # WHEN each day of five years is looked at
    days = (since + timedelta(days=number) for number in range(5 * 366))
    found = next((day for day in days if cron.is_day(day) and exclusions.left_of(day, times)), None)
    # THEN the first with a time that is left is the next day
    following = exclusions.next_day(cron, since)
    assert following == found or (found is None and following is not None and following > since + timedelta(5 * 365))
