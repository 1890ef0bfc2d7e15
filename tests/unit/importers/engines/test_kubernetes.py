"""Kubernetes' cron: the cases of `robfig/cron` v3's own tests, and what its source says of odd expressions.

https://github.com/robfig/cron/blob/v3.0.1/spec_test.go
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from batchtab.importers import engines
from batchtab.importers.engines import ClockError, kubernetes
from batchtab.importers.imported import SourceClock

_ACTIVE = [
    ("2012-07-09 15:00", "0/15 * * * *", True),
    ("2012-07-09 15:45", "0/15 * * * *", True),
    ("2012-07-09 15:40", "0/15 * * * *", False),
    ("2012-07-09 15:05", "5/15 * * * *", True),
    ("2012-07-09 15:20", "5/15 * * * *", True),
    ("2012-07-09 15:50", "5/15 * * * *", True),
    ("2012-07-15 15:00", "0/15 * * Jul *", True),
    ("2012-07-15 15:00", "0/15 * * Jun *", False),
    ("2012-07-15 08:30", "30 08 ? Jul Sun", True),
    ("2012-07-15 08:30", "30 08 15 Jul ?", True),
    ("2012-07-16 08:30", "30 08 ? Jul Sun", False),
    ("2012-07-16 08:30", "30 08 15 Jul ?", False),
    ("2012-07-09 15:00", "@hourly", True),
    ("2012-07-09 15:04", "@hourly", False),
    ("2012-07-09 15:00", "@daily", False),
    ("2012-07-09 00:00", "@daily", True),
    ("2012-07-09 00:00", "@weekly", False),
    ("2012-07-08 00:00", "@weekly", True),
    ("2012-07-08 01:00", "@weekly", False),
    ("2012-07-08 00:00", "@monthly", False),
    ("2012-07-01 00:00", "@monthly", True),
    ("2012-07-15 00:00", "* * 1,15 * Sun", True),
    ("2012-06-15 00:00", "* * 1,15 * Sun", True),
    ("2012-08-01 00:00", "* * 1,15 * Sun", True),
    ("2012-07-15 00:00", "* * */10 * Sun", True),
    ("2012-07-15 00:00", "* * * * Mon", False),
    ("2012-07-09 00:00", "* * 1,15 * *", False),
    ("2012-07-15 00:00", "* * 1,15 * *", True),
    ("2012-07-15 00:00", "* * */2 * Sun", True),
]
_NEW_YORK, _SAO_PAULO = "TZ=America/New_York ", "TZ=America/Sao_Paulo "
# Those with seconds are left out: a CronJob has five fields.
_NEXT = [
    ("2012-07-09T14:45:00", "0/15 * * * *", "2012-07-09T15:00:00"),
    ("2012-07-09T14:59:00", "0/15 * * * *", "2012-07-09T15:00:00"),
    ("2012-07-09T14:59:59", "0/15 * * * *", "2012-07-09T15:00:00"),
    ("2012-07-09T15:45:00", "20-35/15 * * * *", "2012-07-09T16:20:00"),
    ("2012-07-09T23:46:00", "*/15 * * * *", "2012-07-10T00:00:00"),
    ("2012-07-09T23:45:00", "20-35/15 * * * *", "2012-07-10T00:20:00"),
    ("2012-07-09T23:35:51", "20-35/15 1/2 * * *", "2012-07-10T01:20:00"),
    ("2012-07-09T23:35:51", "20-35/15 10-12 * * *", "2012-07-10T10:20:00"),
    ("2012-07-09T23:35:51", "20-35/15 1/2 */2 * *", "2012-07-11T01:20:00"),
    ("2012-07-09T23:35:51", "20-35/15 * 9-20 * *", "2012-07-10T00:20:00"),
    ("2012-07-09T23:35:51", "20-35/15 * 9-20 Jul *", "2012-07-10T00:20:00"),
    ("2012-07-09T23:35:00", "0 0 9 Apr-Oct ?", "2012-08-09T00:00:00"),
    ("2012-07-09T23:35:00", "0 0 */5 Apr,Aug,Oct Mon", "2012-08-01T00:00:00"),
    ("2012-07-09T23:35:00", "0 0 */5 Oct Mon", "2012-10-01T00:00:00"),
    ("2012-07-09T23:35:00", "0 0 * Feb Mon", "2013-02-04T00:00:00"),
    ("2012-07-09T23:35:00", "0 0 * Feb Mon/2", "2013-02-01T00:00:00"),
    ("2012-12-31T23:59:45", "* * * * *", "2013-01-01T00:00:00"),
    ("2012-07-09T23:35:00", "0 0 29 Feb ?", "2016-02-29T00:00:00"),
    ("2012-03-11T00:00:00-05:00", _NEW_YORK + "30 2 11 Mar ?", "2013-03-11T02:30:00-04:00"),
    ("2012-03-11T00:00:00-05:00", _NEW_YORK + "0 * * * ?", "2012-03-11T01:00:00-05:00"),
    ("2012-03-11T01:00:00-05:00", _NEW_YORK + "0 * * * ?", "2012-03-11T03:00:00-04:00"),
    ("2012-03-11T03:00:00-04:00", _NEW_YORK + "0 * * * ?", "2012-03-11T04:00:00-04:00"),
    ("2012-03-11T04:00:00-04:00", _NEW_YORK + "0 * * * ?", "2012-03-11T05:00:00-04:00"),
    ("2012-03-11T00:00:00-05:00", "CRON_" + _NEW_YORK + "0 * * * ?", "2012-03-11T01:00:00-05:00"),
    ("2012-03-11T01:00:00-05:00", "CRON_" + _NEW_YORK + "0 * * * ?", "2012-03-11T03:00:00-04:00"),
    ("2012-03-11T03:00:00-04:00", "CRON_" + _NEW_YORK + "0 * * * ?", "2012-03-11T04:00:00-04:00"),
    ("2012-03-11T00:00:00-05:00", _NEW_YORK + "0 1 * * ?", "2012-03-11T01:00:00-05:00"),
    ("2012-03-11T01:00:00-05:00", _NEW_YORK + "0 1 * * ?", "2012-03-12T01:00:00-04:00"),
    ("2012-03-11T00:00:00-05:00", _NEW_YORK + "0 2 * * ?", "2012-03-12T02:00:00-04:00"),
    ("2012-11-04T00:00:00-04:00", _NEW_YORK + "30 2 04 Nov ?", "2012-11-04T02:30:00-05:00"),
    ("2012-11-04T01:45:00-04:00", _NEW_YORK + "30 1 04 Nov ?", "2012-11-04T01:30:00-05:00"),
    ("2012-11-04T00:00:00-04:00", _NEW_YORK + "0 * * * ?", "2012-11-04T01:00:00-04:00"),
    ("2012-11-04T01:00:00-04:00", _NEW_YORK + "0 * * * ?", "2012-11-04T01:00:00-05:00"),
    ("2012-11-04T01:00:00-05:00", _NEW_YORK + "0 * * * ?", "2012-11-04T02:00:00-05:00"),
    ("2012-11-04T00:00:00-04:00", _NEW_YORK + "0 1 * * ?", "2012-11-04T01:00:00-04:00"),
    ("2012-11-04T01:00:00-04:00", _NEW_YORK + "0 1 * * ?", "2012-11-04T01:00:00-05:00"),
    ("2012-11-04T01:00:00-05:00", _NEW_YORK + "0 1 * * ?", "2012-11-05T01:00:00-05:00"),
    ("2012-11-04T00:00:00-04:00", _NEW_YORK + "0 2 * * ?", "2012-11-04T02:00:00-05:00"),
    ("2012-11-04T02:00:00-05:00", _NEW_YORK + "0 2 * * ?", "2012-11-05T02:00:00-05:00"),
    ("2012-11-04T00:00:00-04:00", _NEW_YORK + "0 3 * * ?", "2012-11-04T03:00:00-05:00"),
    ("2012-11-04T03:00:00-05:00", _NEW_YORK + "0 3 * * ?", "2012-11-05T03:00:00-05:00"),
    ("2012-11-04T00:00:00-04:00", _NEW_YORK + "0 3 3 * ?", "2012-12-03T03:00:00-05:00"),
    ("2018-10-17T05:00:00-04:00", _SAO_PAULO + "0 9 10 * ?", "2018-11-10T06:00:00-05:00"),
    ("2018-02-14T05:00:00-05:00", _SAO_PAULO + "0 9 22 * ?", "2018-02-22T07:00:00-05:00"),
]


def _at(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _next(expression: str, after: datetime) -> datetime | None:
    return next(kubernetes.times(SourceClock("kubernetes", expression), after + timedelta(seconds=1)), None)


@pytest.mark.parametrize(("time", "expression", "is_active"), _ACTIVE)
def test_the_cases_of_its_own_test_of_activation(time: str, expression: str, is_active: bool) -> None:
    at = _at(time)
    assert (_next(expression, at - timedelta(seconds=1)) == at) == is_active


@pytest.mark.parametrize(("after", "expression", "expected"), _NEXT)
def test_the_cases_of_its_own_test_of_the_next_start(after: str, expression: str, expected: str) -> None:
    assert _next(expression, _at(after)) == _at(expected)


@pytest.mark.parametrize("expression", ["0 0 30 Feb ?", "0 0 31 Apr ?", ", * * * *"])
def test_what_never_comes_ends(expression: str) -> None:
    assert _next(expression, _at("2012-07-09T23:35:00")) is None


@pytest.mark.parametrize(
    "expression",
    [
        *("xyz", "60 0 * * *", "0 60 * * *", "0 0 * * XYZ"),  # of its own test of errors
        *("0 0 * * 7", "*/0 * * * *", "5-1 * * * *", "0 0 0 * *", "0 0 * * * *", "1-2-3 * * * *", "*/2/3 * * * *"),
        *("-1 * * * *", "@reboot", "@Daily", "@every", "@every 5", "@every 1d", "@every soon", "", "0 0 * 13 *"),
    ],
)
def test_what_it_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ClockError):
        kubernetes.times(SourceClock("kubernetes", expression), _at("2026-01-01"))


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        ("0 0 * * *-3", "0 0 * * *"),
        ("0,,30 0 * * *", "0,30 0 * * *"),
        ("+5 0 * * *", "5 0 * * *"),
        ("0 0 */1 * 1", "0 0 * * 1"),
        ("0 0 ?/1 * 1", "0 0 * * 1"),
        ("0 0 1-31 * 1", "0 0 * * *"),  # no star: either day
        ("0 0 * * mon-FRI", "0 0 * * 1-5"),
    ],
)
def test_odd_expressions_mean_what_its_parser_makes_of_them(odd: str, plain: str) -> None:
    since = _at("2026-01-01")
    found = [list(islice(kubernetes.times(SourceClock("kubernetes", each), since), 40)) for each in (odd, plain)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("1h30m0s", 5400), ("90s", 90), ("1.5h", 5400), ("100ms", 1), ("2500ms", 2), ("0", 1)],
)
def test_a_period_is_a_duration_of_go(text: str, seconds: int) -> None:
    assert kubernetes.every(f"TZ=Asia/Seoul @every {text}") == timedelta(seconds=seconds)
    first = _next(f"@every {text}", _at("2025-12-31T23:59:59"))
    assert first == _at("2026-01-01") + timedelta(seconds=seconds)


def test_where_midnight_is_skipped_a_day_is_lost_and_another_is_taken_for_it() -> None:
    # GIVEN Cairo, whose clocks skip midnight of Friday 24 April 2026
    since, until = _at("2026-04-20T00:00:00+02:00"), _at("2026-04-27T00:00:00+03:00")

    def days(expression: str) -> list[int]:
        clock = SourceClock("kubernetes", expression, "Africa/Cairo")
        return [each.day for each in engines.times(clock, since, until)]

    # THEN it goes on from Thursday's hours to those of Friday, and from Monday's day to Saturday
    assert days("0 9 * * 4") == [23, 24]
    assert days("0 9 * * 5") == []
    assert days("0 9 * * *") == [20, 21, 22, 23, 24, 25, 26]


def test_the_zone_before_an_expression_counts() -> None:
    found = next(kubernetes.times(SourceClock("kubernetes", "CRON_TZ=Asia/Seoul 0 9 * * *"), _at("2026-01-01")))
    assert found == _at("2026-01-01T09:00:00+09:00")


def test_at_noon_keeps_the_zone_and_the_days() -> None:
    noon = kubernetes.at_noon(SourceClock("kubernetes", "TZ=Asia/Seoul */5 8-18 1 * 1"))
    assert noon is not None
    assert noon.expression == "TZ=Asia/Seoul 0 12 1 * 1"
    assert kubernetes.at_noon(SourceClock("kubernetes", "TZ=UTC @every 5m")) is None
