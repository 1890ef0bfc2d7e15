"""The engine of AWS's expressions, against AWS's documented examples and this project's own reading of schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchtab.importers import engines
from batchtab.importers.imported import SourceClock
from batchtab.schedules.cron import ScheduleError
from batchtab.schedules.timing import Timing

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def of_engine(expression: str, timezone: str = "UTC", count: int = 3, since: datetime = SINCE) -> list[datetime]:
    clock = SourceClock("aws", expression, timezone)
    return [*islice(engines.times(clock, since, since + timedelta(days=365 * 30)), count)]


def text(times: list[datetime]) -> list[str]:
    return [f"{each:%Y-%m-%d %H:%M}" for each in times]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-01-01 10:00", "2026-01-02 10:00", "2026-01-03 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-01 12:15", "2026-01-02 12:15", "2026-01-03 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01 08:00", "2026-02-01 08:00", "2026-03-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-01-01 00:00", "2026-01-01 00:15", "2026-01-01 00:30"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-01-01 00:00", "2026-01-01 00:10", "2026-01-01 00:20"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-01 08:00", "2026-01-01 08:05", "2026-01-01 08:10"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-01-05 09:00", "2026-02-02 09:00", "2026-03-02 09:00"]),
        ("cron(0 9 ? * 3#5 *)", ["2026-03-31 09:00", "2026-06-30 09:00", "2026-09-29 09:00"]),
        ("cron(0 10 ? * 6L 2022-2027)", ["2026-01-30 10:00", "2026-02-27 10:00", "2026-03-27 10:00"]),
        ("cron(0 9 ? * L *)", ["2026-01-03 09:00", "2026-01-10 09:00", "2026-01-17 09:00"]),
        ("cron(0 9 L * ? *)", ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00"]),
        ("cron(0 9 L-2 * ? *)", ["2026-01-29 09:00", "2026-02-26 09:00", "2026-03-29 09:00"]),
        ("cron(0 9 LW * ? *)", ["2026-01-30 09:00", "2026-02-27 09:00", "2026-03-31 09:00"]),
        ("cron(0 9 1W * ? *)", ["2026-01-01 09:00", "2026-02-02 09:00", "2026-03-02 09:00"]),
        ("cron(0 9 15W 8 ? *)", ["2026-08-14 09:00", "2027-08-16 09:00", "2028-08-15 09:00"]),
        ("cron(0 22-2 * * ? *)", ["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:00"]),
        ("cron(0 0 ? * FRI-MON *)", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("cron(0 0 1 NOV-FEB ? *)", ["2026-01-01 00:00", "2026-02-01 00:00", "2026-11-01 00:00"]),
        ("cron(0 0 1 1 ? 2030/5)", ["2030-01-01 00:00", "2035-01-01 00:00", "2040-01-01 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(30 8 1,15 jan,JUL ? 2026,2028)", ["2026-01-01 08:30", "2026-01-15 08:30", "2026-07-01 08:30"]),
        ("at(2027-03-01T09:30:00)", ["2027-03-01 09:30"]),
    ],
)
def test_documented_expressions_start_when_aws_says(expression: str, expected: list[str]) -> None:
    assert text(of_engine(expression)) == expected


def test_a_rate_counts_from_where_the_clock_begins() -> None:
    assert text(of_engine("rate(90 minutes)", count=2)) == ["2026-01-01 01:30", "2026-01-01 03:00"]
    assert text(of_engine("rate(1 day)", count=1)) == ["2026-01-02 00:00"]


def test_a_time_that_clocks_skip_is_skipped_and_the_first_of_two_counts() -> None:
    spring = datetime(2026, 3, 28, tzinfo=UTC)
    assert text(of_engine("cron(30 2 * * ? *)", "Europe/Berlin", 2, spring)) == ["2026-03-28 01:30", "2026-03-30 00:30"]
    autumn = datetime(2026, 10, 25, tzinfo=UTC)
    assert text(of_engine("cron(30 2 * * ? *)", "Europe/Berlin", 2, autumn)) == ["2026-10-25 00:30", "2026-10-26 01:30"]


@pytest.mark.parametrize(
    "expression",
    [
        *("cron(0 9 * * ?)", "cron(0 9 * * * * *)", "every day", "", "rate(5 weeks)", "rate(soon)", "rate(0 minutes)"),
        *("cron(61 9 * * ? *)", "cron(0 24 * * ? *)", "cron(0 9 32 * ? *)", "cron(0 9 * 13 ? *)", "cron(0 9 ? * 8 *)"),
        *("cron(0 9 * * ? *x)", "cron(0 9 x/2 * ? *)", "cron(0/0 9 * * ? *)", "cron(0/x 9 * * ? *)", "at(tomorrow)"),
        *("cron(0 9 ? * 0 *)", "cron(0 9 40W * ? *)", "cron(0 9 ? * 9L *)", "cron(0 9 ? * 0#1 *)", "cron(- 9 * * ? *)"),
        "cron(0 9 * * ? 1900)",
    ],
)
def test_what_aws_refuses_is_refused_without_a_traceback(expression: str) -> None:
    assert engines.is_valid(SourceClock("aws", expression))


NUMBERS = {
    "minutes": st.integers(0, 59),
    "hours": st.integers(0, 23),
    "days": st.integers(1, 31),
    "months": st.integers(1, 12),
}


@st.composite
def field(draw: st.DrawFn, numbers: st.SearchStrategy[int]) -> str:
    kind = draw(st.sampled_from(["*", "one", "list", "range", "step"]))
    first, second = draw(numbers), draw(numbers)
    texts = {"*": "*", "one": f"{first}", "list": f"{first},{second}", "range": f"{first}-{second}"}
    return texts.get(kind, f"{first}/{draw(st.integers(1, 12))}")


@st.composite
def expressions(draw: st.DrawFn) -> str:
    minutes, hours, months = (draw(field(NUMBERS[name])) for name in ("minutes", "hours", "months"))
    of_month = st.one_of(field(NUMBERS["days"]), st.sampled_from(["L", "LW", "1W", "15W", "31W", "L-3"]))
    of_week = st.one_of(
        field(st.integers(1, 7)).filter(lambda text: "/" not in text),
        st.sampled_from(["L", "2L", "FRIL", "MON#1", "7#5", "SUN-TUE", "FRI-MON"]),
    )
    days = draw(
        st.one_of(of_month.map(lambda text: f"{text} {months} ?"), of_week.map(lambda text: f"? {months} {text}"))
    )
    year = draw(st.sampled_from(["*", "2026-2030", "2027", "2026/2", "2026,2029"]))
    return f"cron({minutes} {hours} {days} {year})"


@given(
    expressions(), st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"])
)
def test_the_engine_and_the_projects_own_reading_agree(expression: str, timezone: str) -> None:
    try:
        wanted = Timing.of(expression, timezone=timezone, trigger="schedule").next_runs(SINCE, 6)
    except ScheduleError:  # never happens
        return
    found = of_engine(expression, timezone, 8)
    shared = min(len(wanted), 6)
    assert [each.astimezone(UTC) for each in wanted][:shared] == [each for each in found if each > SINCE][:shared]
