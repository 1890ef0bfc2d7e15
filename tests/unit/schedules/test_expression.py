from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchtab.schedules.expression import Rate, ScheduleError, check, parse
from batchtab.schedules.timing import Timing

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 hour)", 3600), ("rate(2 days)", 172_800)],
)
def test_a_rate_is_a_period(expression: str, seconds: int) -> None:
    assert parse(expression) == Rate(seconds)


@pytest.mark.parametrize("text", [f"{number} {unit}s" for unit in ("minute", "hour", "day") for number in range(2, 91)])
def test_a_rate_has_a_form_on_the_clock_only_if_that_is_as_often(text: str) -> None:
    # GIVEN a rate
    rate = parse(f"rate({text})")
    assert isinstance(rate, Rate)
    # THEN its form on the clock has the same period, and it has one if days can be divided by it
    midnight, day = NOON - timedelta(hours=12), 86_400
    hour = 3600
    if day % rate.seconds or max(rate.seconds, hour) % min(rate.seconds, hour):
        assert rate.on_the_clock == ""
    else:
        runs = Timing(rate.on_the_clock).next_runs(midnight - timedelta(minutes=1), 50)
        assert runs == [midnight + timedelta(seconds=rate.seconds) * number for number in range(50)]


@pytest.mark.parametrize(
    ("expression", "reason", "hint"),
    [
        ("rate(1 minutes)", "says '1 minutes', which AWS refuses", "rate(1 minute)"),
        ("rate(5 minute)", "says '5 minute', which AWS refuses", "rate(5 minutes)"),
        ("rate(0 minutes)", "has the value 0: 1 or more", ""),
        ("rate(-1 minutes)", "is not a rate", "rate(5 minutes)"),
        ("rate(30 seconds)", "has the unit 'seconds': minutes, hours or days", "rate(1 minute) is the shortest"),
        ("rate(2 weeks)", "has the unit 'weeks': minutes, hours or days", "rate(14 days)"),
        ("rate(5)", "is not a rate", "rate(5 minutes)"),
        ("at(2026-12-25)", "is not a time: at(yyyy-mm-ddThh:mm:ss)", "write at(2026-12-25T00:00:00)"),
        ("at(2026-12-25 09:00)", "is not a time: at(yyyy-mm-ddThh:mm:ss)", "write at(2026-12-25T09:00:00)"),
        ("at(2026-12-25T09:00:00Z)", "is not a time", "write at(2026-12-25T09:00:00), and the zone as timezone"),
        ("at(2026-12-25T09:00:30)", "has seconds", "write at(2026-12-25T09:00:00)"),
        ("at(2026-02-30T09:00:00)", "is not a date and time", ""),
        ("at(noon)", "is not a time", ""),
        ("0 0 * * ? *", "is AWS's form without its name", "write cron(0 0 * * ? *)"),
        ("Cron(0 0 * * ? *)", "is not a schedule", "write it in small letters"),
        ("every day", "is not a schedule: cron(…), rate(…), at(…), five fields of crontab", ""),
        ("cron(" + "0" * 300 + ")", "is 306 characters long: at most 256", ""),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_near_form(expression: str, reason: str, hint: str) -> None:
    with pytest.raises(ScheduleError) as error:
        check(expression)

    assert reason in error.value.reason
    assert hint in error.value.hint
    assert bool(hint) == bool(error.value.hint)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("@weekly", "cron(0 0 ? * SUN *)"), ("*/5 8-17 * * 1-5", "cron(*/5 8-17 ? * MON,TUE,WED,THU,FRI *)")],
)
def test_crontab_is_read_as_what_it_is_turned_into(written: str, meant: str) -> None:
    assert Timing(written).next_runs(NOON, 20) == Timing(meant).next_runs(NOON, 20)


def test_one_time_is_the_only_run() -> None:
    expression = "at(2026-05-04T12:01:00)"

    assert Timing(expression).next_runs(NOON, 3) == [NOON + timedelta(minutes=1)]
    assert Timing(expression).next_runs(NOON + timedelta(minutes=1), 3) == []


def test_a_rate_counts_from_its_anchor_and_not_from_the_full_hour() -> None:
    # GIVEN a rule that was made at 11:52:30
    anchor = NOON - timedelta(minutes=7, seconds=30)

    # WHEN somebody asks at noon
    runs = Timing("rate(5 minutes)").next_runs(NOON, 2, anchor=anchor)

    # THEN the runs keep the anchor's odd minutes
    assert runs == [NOON + timedelta(minutes=2, seconds=30), NOON + timedelta(minutes=7, seconds=30)]


def test_a_rule_made_later_first_fires_one_period_after_it_was_made() -> None:
    assert Timing("rate(1 hour)").next_runs(NOON, 1, anchor=NOON + timedelta(days=1)) == [
        NOON + timedelta(days=1, hours=1)
    ]


def test_times_are_told_in_utc_whatever_zone_was_asked_in() -> None:
    seoul = timezone(timedelta(hours=9))
    (run,) = Timing("cron(0 0 * * ? *)").next_runs(datetime(2026, 5, 5, 8, 59, tzinfo=seoul), 1)

    assert run == datetime(2026, 5, 5, tzinfo=UTC)
    assert run.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Timing("rate(1 minute)").next_runs(datetime(2026, 1, 1), 1)


@given(st.text(alphabet="cronrate()0123456789*/?,-LW#T:~H minuteshday@", max_size=40))
def test_any_text_is_a_schedule_or_is_refused(text: str) -> None:
    for expression in (text, f"cron({text})", f"rate({text})", f"at({text})", f"0 0 {text}", f"@{text}"):
        with contextlib.suppress(ScheduleError):  # any other exception fails the test
            check(expression)
