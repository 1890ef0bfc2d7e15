from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from batchtab.local_aws import expressions
from batchtab.local_aws.expressions import ExpressionError


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def times(expression: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    parsed, current, found = expressions.parse(expression, zone), moment(after), list[str]()
    anchor = current
    for _ in range(count):
        following = parsed.following(current, anchor)
        if following is None:
            break
        found.append(datetime.fromtimestamp(following, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        current = following
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 0 * * ? *)", "2026-01-01T00:00:00", ["2026-01-02T00:00:00", "2026-01-03T00:00:00"]),
        ("cron(7/10 * * * ? *)", "2026-01-01T00:50:00", ["2026-01-01T00:57:00", "2026-01-01T01:07:00"]),
        ("cron(0 9 ? * 2-6 *)", "2026-01-02T10:00:00", ["2026-01-05T09:00:00", "2026-01-06T09:00:00"]),
        ("cron(0 0 ? * L *)", "2026-01-01T00:00:00", ["2026-01-03T00:00:00", "2026-01-10T00:00:00"]),
        ("cron(0 0 ? * 6L *)", "2026-01-01T00:00:00", ["2026-01-30T00:00:00", "2026-02-27T00:00:00"]),
        ("cron(0 0 ? * 2#1 *)", "2026-01-01T00:00:00", ["2026-01-05T00:00:00", "2026-02-02T00:00:00"]),
        ("cron(0 0 L * ? *)", "2026-01-31T00:00:00", ["2026-02-28T00:00:00", "2026-03-31T00:00:00"]),
        ("cron(0 0 15W * ? *)", "2026-02-01T00:00:00", ["2026-02-16T00:00:00", "2026-03-16T00:00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]),
        ("cron(0 0 1 1 ? 2027/2)", "2026-01-01T00:00:00", ["2027-01-01T00:00:00", "2029-01-01T00:00:00"]),
        ("cron(0 0 1 1 ? 2027-2031/4)", "2026-01-01T00:00:00", ["2027-01-01T00:00:00", "2031-01-01T00:00:00"]),
        ("cron(0 0 1 1 ? */100)", "2026-01-01T00:00:00", ["2070-01-01T00:00:00", "2170-01-01T00:00:00"]),
        ("cron(0 0 1 1 ? 2026,2030/2)", "2025-01-01T00:00:00", ["2026-01-01T00:00:00", "2030-01-01T00:00:00"]),
        ("cron(0 18 LW * ? *)", "2026-01-01T00:00:00", ["2026-01-30T18:00:00", "2026-02-27T18:00:00"]),
        ("cron(*/30 23 LW 5 ? *)", "2026-01-01T00:00:00", ["2026-05-29T23:00:00", "2026-05-29T23:30:00"]),
        # 2100 is no leap year
        ("cron(0 0 29 2 ? *)", "2095-01-01T00:00:00", ["2096-02-29T00:00:00", "2104-02-29T00:00:00"]),
        ("cron(0 0 L-30 2 ? *)", "2026-01-01T00:00:00", []),
        # AWS's own example of a range that goes on at its beginning: from 22:00 to 02:59
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02T23:20:00", ["2026-01-02T23:30:00", "2026-01-05T00:00:00"]),
        ("cron(0 0 ? * FRI-MON *)", "2026-01-05T00:00:00", ["2026-01-09T00:00:00", "2026-01-10T00:00:00"]),
        ("cron(0 0 1 NOV-FEB ? *)", "2026-02-01T00:00:00", ["2026-11-01T00:00:00", "2026-12-01T00:00:00"]),
        ("cron(0 0 1 1 ? 2027)", "2026-01-01T00:00:00", ["2027-01-01T00:00:00"]),
        ("rate(5 minutes)", "2026-01-01T00:00:07", ["2026-01-01T00:05:07", "2026-01-01T00:10:07"]),
        ("rate(1 day)", "2026-01-01T00:00:07", ["2026-01-02T00:00:07", "2026-01-03T00:00:07"]),
        ("at(2026-01-01T08:00:00)", "2026-01-01T00:00:00", ["2026-01-01T08:00:00"]),
        ("at(2026-01-01T08:00:00)", "2026-01-01T08:00:00", []),
    ],
)
def test_next_times(expression: str, after: str, expected: list[str]) -> None:
    assert times(expression, after, 2) == expected


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # Berlin goes from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October 2026
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00", ["2026-03-30T00:30:00"]),
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00", ["2026-03-29T01:00:00"]),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]),
        (
            "cron(0/30 2 * * ? *)",
            "Europe/Berlin",
            "2026-10-25T00:10:00",
            ["2026-10-25T00:30:00", "2026-10-26T01:00:00"],
        ),
        # asked in the second 02:10 of that night
        ("cron(0/30 * * * ? *)", "Europe/Berlin", "2026-10-25T01:10:00", ["2026-10-25T02:00:00"]),
        # New York, Lord Howe (half an hour) and a zone with a half-hour offset
        ("cron(30 2 * * ? *)", "America/New_York", "2026-03-08T00:00:00", ["2026-03-09T06:30:00"]),
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", "2026-10-03T00:00:00", ["2026-10-04T15:15:00"]),
        ("cron(0 9 * * ? *)", "Asia/Kolkata", "2026-01-01T00:00:00", ["2026-01-01T03:30:00"]),
        # a time that the zone skips never comes
        ("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00", []),
        ("at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00", ["2026-10-25T00:30:00"]),
        ("at(2026-07-01T09:00:00)", "Asia/Seoul", "2026-01-01T00:00:00", ["2026-07-01T00:00:00"]),
    ],
)
def test_time_zones(expression: str, zone: str, after: str, expected: list[str]) -> None:
    assert times(expression, after, len(expected) or 1, zone) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "", "0 0 * * ? *", "cron(0 0 * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 1LW * ? *)",
        "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(1 week)", "at(tomorrow)",
        "at(2026-02-30T00:00:00)", "cron(0 0 * * ? *",
    ],
)  # fmt: skip
def test_refused_expressions(expression: str) -> None:
    with pytest.raises(ExpressionError):
        expressions.parse(expression)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc/passwd", "/UTC", "europe"])
def test_refused_zones(zone: str) -> None:
    with pytest.raises(ExpressionError, match="time zone"):
        expressions.parse("rate(1 minute)", zone)


FIELD = st.sampled_from(["*", "0", "15", "*/20", "5/25", "10-40/15", "0,30"])
HOUR = st.sampled_from(["*", "2", "*/6", "1-3", "2,22"])
DAY = st.sampled_from([("*", "?"), ("1,15", "?"), ("?", "1"), ("?", "2-6"), ("?", "SUN,WED"), ("*/5", "?")])
ZONE = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Seoul"])
WEEKDAYS = {"1": {6}, "2-6": {0, 1, 2, 3, 4}, "SUN,WED": {6, 2}}


@settings(max_examples=examples(60), deadline=None)
@given(FIELD, HOUR, DAY, ZONE, st.integers(0, 365 * 24 * 60))
def test_following_is_the_first_minute_whose_wall_clock_matches(
    minute: str, hour: str, day: tuple[str, str], zone: str, offset: int
) -> None:
    # GIVEN a cron expression and a minute of 2026
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset)
    parsed = expressions.parse(f"cron({minute} {hour} {day[0]} * {day[1]} *)", zone)
    # WHEN the next time is asked for
    found = parsed.following(start.timestamp(), 0)
    # THEN it is the first that a walk through all minutes finds, a repeated hour counted once
    assert found == walk(minute, hour, day, ZoneInfo(zone), start)


def walk(minute: str, hour: str, day: tuple[str, str], zone: ZoneInfo, start: datetime) -> float:
    minutes, hours, days = values(minute, 0, 59), values(hour, 0, 23), values(day[0], 1, 31)
    for step in range(1, 60 * 24 * 40):
        utc = start + timedelta(minutes=step)
        local = utc.astimezone(zone)
        if local.fold or local.minute not in minutes or local.hour not in hours:
            continue
        if local.day in days if day[0] != "?" else local.weekday() in WEEKDAYS[day[1]]:
            return utc.timestamp()
    raise AssertionError("no match in 40 days")


def values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        elif "-" in span:
            first, last = map(int, span.split("-"))
        else:
            first = int(span)
            last = high if step else first
        found |= set(range(first, last + 1, int(step or 1)))
    return found
