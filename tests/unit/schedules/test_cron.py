from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from aws_croniter import AwsCroniter
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from batchtab.schedules.cron import ScheduleError, parse
from batchtab.schedules.expression import check
from batchtab.schedules.timing import Timing

START = datetime(2026, 1, 1, tzinfo=UTC)


def runs(expression: str, count: int = 3, start: datetime = START) -> list[str]:
    return [f"{run:%Y-%m-%d %H:%M}" for run in Timing(expression).next_runs(start, count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 0 * * ? *)", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("cron(7/10 * * * ? *)", ["2026-01-01 00:07", "2026-01-01 00:17", "2026-01-01 00:27"]),
        ("cron(0 9 ? * MON-FRI *)", ["2026-01-01 09:00", "2026-01-02 09:00", "2026-01-05 09:00"]),
        ("cron(0 9 ? * 2 *)", ["2026-01-05 09:00", "2026-01-12 09:00", "2026-01-19 09:00"]),  # 1 is Sunday
        ("cron(0 9 L * ? *)", ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00"]),
        ("cron(0 9 L-2 * ? *)", ["2026-01-29 09:00", "2026-02-26 09:00", "2026-03-29 09:00"]),
        ("cron(0 9 LW * ? *)", ["2026-01-30 09:00", "2026-02-27 09:00", "2026-03-31 09:00"]),
        ("cron(0 9 1W * ? *)", ["2026-01-01 09:00", "2026-02-02 09:00", "2026-03-02 09:00"]),  # both are Sundays
        ("cron(0 9 15W 8 ? *)", ["2026-08-14 09:00", "2027-08-16 09:00", "2028-08-15 09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-01-30 09:00", "2026-02-27 09:00", "2026-03-27 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-01-03 09:00", "2026-01-10 09:00", "2026-01-17 09:00"]),  # every Saturday
        ("cron(0 9 ? * MON#1 *)", ["2026-01-05 09:00", "2026-02-02 09:00", "2026-03-02 09:00"]),
        ("cron(0 9 ? * 3#5 *)", ["2026-03-31 09:00", "2026-06-30 09:00", "2026-09-29 09:00"]),
        ("cron(0,30 8-9 1 JAN,jul ? *)", ["2026-01-01 08:00", "2026-01-01 08:30", "2026-01-01 09:00"]),
        ("cron(0 0 1 1 ? 2030/5)", ["2030-01-01 00:00", "2035-01-01 00:00", "2040-01-01 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
    ],
)
def test_next_runs_are_those_of_the_calendar(expression: str, expected: list[str]) -> None:
    assert runs(expression) == expected


def test_a_leap_day_is_found_across_2100_which_has_none() -> None:
    assert runs("cron(0 0 29 2 ? *)", 2, datetime(2096, 1, 1, tzinfo=UTC)) == ["2096-02-29 00:00", "2104-02-29 00:00"]


def test_a_schedule_whose_years_are_over_has_no_next_run() -> None:
    assert runs("cron(0 0 1 1 ? 2020)") == []


def test_the_moment_itself_is_not_a_next_run() -> None:
    assert runs("cron(0 0 1 1 ? *)", 1) == ["2027-01-01 00:00"]


@pytest.mark.parametrize(
    ("expression", "reason", "hint"),
    [
        ("cron(0 0 * * * *)", "has no '?'", "cron(0 0 * * ? *)"),
        ("cron(0 9 * * MON *)", "has no '?'", "cron(0 9 ? * MON *)"),
        ("cron(0 9 1 * MON *)", "has no '?'", "write two jobs"),
        ("cron(0 9 ? * ? *)", "has '?' twice", "cron(0 9 * * ? *)"),
        ("cron(0 9 * * ?)", "has 5 fields instead of 6", "cron(0 9 * * ? *)"),
        ("cron(7/10 * * ? *)", "has 5 fields instead of 6", "cron(7/10 * * * ? *)"),
        ("cron()", "has 0 fields", ""),
        ("cron(60 * * * ? *)", "has '60' as minutes: 0 to 59", ""),
        ("cron(0 24 * * ? *)", "has '24' as hours: 0 to 23", ""),
        ("cron(0 0 32 * ? *)", "has '32' as day-of-month: 1 to 31", ""),
        ("cron(0 0 * 13 ? *)", "has '13' as month: 1 to 12 or JAN to DEC", ""),
        ("cron(0 0 ? * 0 *)", "has '0' as day-of-week: 1 to 7 or SUN to SAT (1 is Sunday)", ""),
        ("cron(0 0 ? * MON-FRIDAY *)", "has 'FRIDAY' in 'MON-FRIDAY' as day-of-week", ""),
        ("cron(0 0 * * ? 1969)", "has '1969' as year: 1970 to 2199", ""),
        ("cron(*/0 * * * ? *)", "has the step '0' as minutes", ""),
        ("cron(0 0 ? * */2 *)", "no steps are allowed", "list the days: MON,WED,FRI"),
        ("cron(0 0 * * ? 2030-2026)", "has '2030-2026' as year, which runs backwards", "write the earlier one first"),
        ("cron(0 0 ? * 3#6 *)", "1 to 5", ""),
        ("cron(0 0 ? * 3#1,6#3 *)", "one day alone", ""),
        ("cron(0 0 31 2 ? *)", "never happens", ""),
        ("cron(0 0 L-30 2 ? *)", "never happens", ""),
        ("cron(0 0 29 2 ? 2027)", "never happens", ""),
        ("cron(1, * * * ? *)", "has '' as minutes", ""),
    ],
)
def test_a_wrong_expression_is_refused_with_its_field_and_what_is_allowed(
    expression: str, reason: str, hint: str
) -> None:
    with pytest.raises(ScheduleError) as error:
        check(expression)

    assert reason in error.value.reason
    assert error.value.hint == hint


@pytest.mark.parametrize(
    ("wrapped", "written_out"),
    [
        ("0 22-2 * * ? *", "0 22,23,0,1,2 * * ? *"),
        ("0 22-2/2 * * ? *", "0 22,0,2 * * ? *"),
        ("50-10/15 * * * ? *", "50,5 * * * ? *"),
        ("0 0 28-3 * ? *", "0 0 28,29,30,31,1,2,3 * ? *"),
        ("0 0 1 NOV-FEB ? *", "0 0 1 11,12,1,2 ? *"),
        ("0 0 ? * FRI-MON *", "0 0 ? * 6,7,1,2 *"),
    ],
)
def test_a_range_may_run_past_the_end_of_its_field(wrapped: str, written_out: str) -> None:
    # GIVEN a range whose second value is the smaller one, which AWS takes
    one, other = parse(wrapped), parse(written_out)
    # THEN it goes on from the beginning, with its step
    assert (one.minutes, one.hours, one.months) == (other.minutes, other.hours, other.months)
    assert one.days(2026, 2) == other.days(2026, 2)
    # AND aws-croniter says the same
    assert [*islice(one.after(START.replace(tzinfo=None)), 20)] == [
        moment.replace(tzinfo=None) for moment in AwsCroniter(wrapped).get_next(START, 20)
    ]


@pytest.mark.parametrize("expression", ["LW", "L", "2024/2"])
def test_the_faults_of_aws_croniter_that_made_us_walk_the_calendar_are_still_there(expression: str) -> None:
    """If this fails, aws-croniter is mended: `batchtab.schedules.cron` could be dropped in its favour."""
    fields = {"LW": "0 0 LW * ? *", "L": "0 0 ? * L *", "2024/2": "0 0 1 1 ? 2024/2"}[expression]
    try:
        found = AwsCroniter(fields).get_next(START, 1)
    except Exception:  # which one differs by fault
        found = [None]

    assert found == [None]


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    single = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted).map(lambda ab: f"{ab[0]}-{ab[1]}")
    step = st.tuples(st.one_of(st.just("*"), single, span), st.integers(1, high)).map(lambda bs: f"{bs[0]}/{bs[1]}")
    return st.one_of(st.just("*"), single, span, step, st.lists(single, min_size=1, max_size=3).map(",".join))


DAYS_OF_MONTH = st.one_of(
    numbers(1, 28), st.just("L"), st.integers(1, 20).map(lambda n: f"L-{n}"), st.integers(1, 28).map(lambda n: f"{n}W")
).map(lambda day: (day, "?"))
DAYS_OF_WEEK = st.one_of(
    st.integers(1, 7).map(str),
    st.just("MON-FRI"),
    st.just("SUN,WED"),
    st.integers(1, 7).map(lambda n: f"{n}L"),
    st.tuples(st.integers(1, 7), st.integers(1, 4)).map(lambda dn: f"{dn[0]}#{dn[1]}"),
).map(lambda day: ("?", day))


@settings(max_examples=examples(300))
@given(
    minute=numbers(0, 59),
    hour=numbers(0, 23),
    month=numbers(1, 12),
    days=st.one_of(DAYS_OF_MONTH, DAYS_OF_WEEK),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)),
)
def test_where_aws_croniter_is_right_it_says_the_same(
    minute: str, hour: str, month: str, days: tuple[str, str], start: datetime
) -> None:
    # GIVEN an expression of AWS's form
    fields = f"{minute} {hour} {days[0]} {month} {days[1]} *"
    moment = start.replace(tzinfo=UTC)

    # WHEN both are asked for the next five runs
    ours = Timing(f"cron({fields})").next_runs(moment, 5)
    theirs = AwsCroniter(fields).get_next(moment, 5)

    # THEN they agree
    assert ours == theirs


@settings(max_examples=examples(100))
@given(minute=numbers(0, 59), hour=numbers(0, 23), days=st.one_of(DAYS_OF_MONTH, DAYS_OF_WEEK))
def test_runs_rise_and_none_lies_between_two_of_them(minute: str, hour: str, days: tuple[str, str]) -> None:
    cron = parse(f"{minute} {hour} {days[0]} * {days[1]} *")
    first = next(cron.after(START.replace(tzinfo=None)))

    following = next(cron.after(first))

    assert following > first
    assert next(cron.after(following - timedelta(seconds=1))) == following


@settings(max_examples=examples(200), deadline=None)
@given(
    minute=numbers(0, 59),
    hour=numbers(0, 23),
    month=numbers(1, 12),
    days=st.one_of(DAYS_OF_MONTH, DAYS_OF_WEEK),
    start=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
)
def test_runs_read_backwards_are_those_read_forwards(
    minute: str, hour: str, month: str, days: tuple[str, str], start: datetime
) -> None:
    # GIVEN an expression and its next five runs
    cron = parse(f"{minute} {hour} {days[0]} {month} {days[1]} *")
    following = list(islice(cron.after(start), 5))
    # WHEN it is read backwards from the last of them, and from just before it
    back = list(islice(cron.before(following[-1]), 5))
    before = list(islice(cron.before(following[-1] - timedelta(microseconds=1)), 4))
    # THEN they are the same, the latest first
    assert back == following[::-1]
    assert before == back[1:]


def test_nothing_is_before_the_first_run() -> None:
    cron = parse("30 6 1 1 ? 2027-2028")
    assert list(cron.before(datetime(2027, 1, 1, 6, 29))) == []
    assert list(cron.before(datetime(2199, 12, 31))) == [datetime(2028, 1, 1, 6, 30), datetime(2027, 1, 1, 6, 30)]
