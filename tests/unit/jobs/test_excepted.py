from __future__ import annotations

from datetime import date, datetime

import pytest

from jobs.cron import ScheduleError
from jobs.excepted import Excepted


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
    excepted = Excepted.parse([entry])

    assert excepted.matches(datetime.fromisoformat(inside))
    assert not excepted.matches(datetime.fromisoformat(outside))


def test_ranges_that_touch_or_overlap_are_one() -> None:
    excepted = Excepted.parse(["2026-12-28/2026-12-31", "2026-12-24/2026-12-26", "2026-12-26/2026-12-27", "2027-01-02"])

    assert excepted.covers(date(2026, 12, 24)) == date(2026, 12, 31)
    assert excepted.covers(date(2026, 12, 30)) == date(2026, 12, 31)
    assert excepted.covers(date(2027, 1, 1)) is None


def test_no_entries_are_no_exceptions() -> None:
    assert not Excepted.parse([])
    assert not Excepted().matches(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("entry", "reason", "hint"),
    [
        ("2026-02-30", "has 2026-02-30, which is no date", ""),
        ("2026-12-24/2026-13-01", "has 2026-13-01, which is no date", ""),
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
        Excepted.parse([entry])

    assert error.value.reason.startswith(reason)
    assert error.value.hint == hint
