from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from batchtab.declarations.job import JobSpec
from batchtab.schedules.timing import Timing


def timing(schedule: str, **fields: Any) -> Timing:
    found = JobSpec.model_validate({"command": ["run"], "schedule": schedule, **fields}).timing
    assert found is not None
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs(of: Timing, after: str, count: int = 3, **anchor: datetime) -> list[str]:
    return [f"{run:%Y-%m-%d %H:%M}" for run in of.next_runs(utc(after), count, **anchor)]


def told(of: Timing, after: str, count: int) -> list[str]:
    found = islice(of.occurrences(utc(after)), count)
    return [f"{each.at:%d %H:%M} {each.local:%H:%M} {each.note or each.runs}" for each in found]


def test_a_job_without_a_schedule_has_no_timing() -> None:
    assert JobSpec(command=("run",)).timing is None


def test_seoul_has_its_hour_all_year() -> None:
    nine = timing("0 9 * * *", timezone="Asia/Seoul")

    assert runs(nine, "2026-03-28", 2) == ["2026-03-29 00:00", "2026-03-30 00:00"]
    assert runs(nine, "2026-10-24", 2) == ["2026-10-25 00:00", "2026-10-26 00:00"]


def test_a_time_that_does_not_exist_is_skipped() -> None:
    # GIVEN half past two in Berlin, where clocks go from 02:00 to 03:00 on 2026-03-29
    berlin = timing("30 2 * * *", timezone="Europe/Berlin")

    # WHEN its times are asked for
    # THEN the day has none, and it is told at the moment of the change
    assert told(berlin, "2026-03-28 12:00", 2) == [
        "29 01:00 02:30 skipped: 02:30 does not exist on this day",
        "30 00:30 02:30 True",
    ]
    assert runs(berlin, "2026-03-28 12:00", 2) == ["2026-03-30 00:30", "2026-03-31 00:30"]


def test_a_time_that_comes_twice_runs_once_and_the_first_time() -> None:
    berlin = timing("30 2 * * *", timezone="Europe/Berlin")

    assert told(berlin, "2026-10-24 12:00", 2) == ["25 00:30 02:30 02:30 comes twice: runs once", "26 01:30 02:30 True"]


@pytest.mark.parametrize("after", ["2026-10-25 00:50", "2026-10-25 01:00", "2026-10-25 01:10", "2026-10-25 01:59"])
def test_while_the_hour_recurs_nothing_runs(after: str) -> None:
    # GIVEN a moment after 02:45 in Berlin, or within the second of the two hours
    quarterly = timing("*/15 * * * *", timezone="Europe/Berlin")

    # WHEN the next run is asked for
    # THEN it is at three
    assert runs(quarterly, after, 1) == ["2026-10-25 02:00"]


def test_in_order_even_where_a_time_is_left_out() -> None:
    times = [
        each.at for each in islice(timing("*/10 * * * *", timezone="Europe/Berlin").occurrences(utc("2026-03-29")), 30)
    ]

    assert times == sorted(times)


def test_utc_has_no_surprises() -> None:
    for schedule in ("*/7 * * * *", "at(2026-03-29T02:30:00)"):
        assert not any(each.note for each in islice(timing(schedule).occurrences(utc("2026-03-28 23:00")), 500))


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("2026-12-01", "2026-11-30 15:00"),
        (date(2026, 12, 1), "2026-11-30 15:00"),
        ("2026-12-01T09:00", "2026-12-01 00:00"),
        ("2026-12-01 09:00:30", "2026-12-01 00:00"),
        (datetime(2026, 12, 1, 9), "2026-12-01 00:00"),
        ("2026-12-01T09:00:00Z", "2026-12-01 09:00"),
        ("2026-12-01T09:00+02:00", "2026-12-01 07:00"),
        (datetime(2026, 12, 1, 9, tzinfo=UTC), "2026-12-01 09:00"),
    ],
)
def test_start_is_read_on_the_jobs_wall_clock_unless_it_says_otherwise(start: Any, moment: str) -> None:
    found = timing("@daily", timezone="Asia/Seoul", start=start).start_utc

    assert f"{found:%Y-%m-%d %H:%M}" == moment
    assert found is not None
    assert found.tzinfo is UTC


def test_the_last_day_is_one_on_which_it_runs() -> None:
    found = timing("0 9,21 * * *", timezone="Asia/Seoul", start="2026-12-01", end="2026-12-02")

    assert f"{found.end_utc:%Y-%m-%d %H:%M:%S}" == "2026-12-02 14:59:59"
    assert runs(found, "2026-01-01", 9) == [
        "2026-12-01 00:00",
        "2026-12-01 12:00",
        "2026-12-02 00:00",
        "2026-12-02 12:00",
    ]


def test_start_and_end_are_moments_at_which_it_may_run() -> None:
    found = timing("@hourly", start="2026-12-01T09:00:00Z", end="2026-12-01T11:00:00Z")

    assert runs(found, "2026-01-01", 9) == ["2026-12-01 09:00", "2026-12-01 10:00", "2026-12-01 11:00"]


def test_a_bound_that_is_left_out_by_the_wall_clock_is_the_moment_of_the_change() -> None:
    found = timing("@hourly", timezone="Europe/Berlin", start="2026-03-29T02:30")

    assert runs(found, "2026-01-01", 1) == ["2026-03-29 01:00"]


def test_a_rate_counts_from_its_anchor() -> None:
    found = timing("rate(7 hours)")

    assert runs(found, "2026-12-01 09:00", 2) == ["2026-12-01 16:00", "2026-12-01 23:00"]
    assert runs(found, "2026-12-01 09:00", 2, anchor=utc("2026-12-01 08:30")) == [
        "2026-12-01 15:30",
        "2026-12-01 22:30",
    ]
    assert runs(found, "2026-12-01 09:00", 1, anchor=utc("2026-12-02 00:00")) == ["2026-12-02 07:00"]


def test_one_time_is_on_the_jobs_wall_clock() -> None:
    found = timing("at(2026-12-31T18:00:00)", timezone="Asia/Seoul")

    assert runs(found, "2026-01-01") == ["2026-12-31 09:00"]
    assert runs(found, "2026-12-31 09:00") == []


def test_exceptions_are_days_of_the_jobs_wall_clock() -> None:
    found = timing("0 8 * * *", timezone="Asia/Seoul", **{"except": ["2026-12-25", "2026-12-27/2026-12-28"]})

    assert runs(found, "2026-12-23", 4) == [
        "2026-12-23 23:00",
        "2026-12-25 23:00",
        "2026-12-28 23:00",
        "2026-12-29 23:00",
    ]
    assert told(found, "2026-12-24", 2) == ["24 23:00 08:00 excluded", "25 23:00 08:00 True"]


def test_exceptions_are_minutes_that_a_cron_expression_names() -> None:
    found = timing("0 * * * *", timezone="Europe/Berlin", **{"except": "cron(0-30 1-22 ? * * *)"})

    assert runs(found, "2026-12-01 12:00", 3) == ["2026-12-01 22:00", "2026-12-01 23:00", "2026-12-02 22:00"]


def test_years_of_exceptions_are_passed_over_at_once() -> None:
    found = timing("* * * * *", **{"except": ["2026-01-01/2035-12-31", "cron(* * ? * * 2036-2045)"]})

    assert runs(found, "2026-06-01", 1) == ["2046-01-01 00:00"]


def test_between_has_both_ends() -> None:
    found = timing("@hourly", **{"except": "cron(0 2 ? * * *)"})
    since, until = utc("2026-12-01 00:00"), utc("2026-12-01 03:00")

    assert [run.hour for run in found.between(since, until)] == [0, 1, 3]
    assert [run.hour for run in found.between(since, until, include_excluded=True)] == [0, 1, 2, 3]


def test_between_knows_no_time_that_did_not_exist() -> None:
    found = timing("30 2 * * *", timezone="Europe/Berlin")

    assert found.between(utc("2026-03-29"), utc("2026-03-29 23:00"), include_excluded=True) == []


def test_between_counts_a_rate_from_the_beginning() -> None:
    since, until = utc("2026-12-01 00:10"), utc("2026-12-01 02:30")

    assert [f"{run:%H:%M}" for run in timing("rate(1 hour)").between(since, until)] == ["00:10", "01:10", "02:10"]


@pytest.mark.parametrize(
    ("fields", "trigger"),
    [
        ({}, "rule"),
        ({"suspend": True}, "rule"),
        ({"concurrency_policy": "queue"}, "rule"),
        ({"timezone": "UTC"}, "schedule"),
        ({"start": "2026-12-01"}, "schedule"),
        ({"end": "2099-12-01"}, "schedule"),
        ({"flexible_window_minutes": 5}, "schedule"),
        ({"except": "2026-12-25"}, "schedule"),
        ({"schedule": "at(2026-12-25T09:00:00)"}, "schedule"),
        ({"trigger": "schedule"}, "schedule"),
        ({"trigger": "rule"}, "rule"),
    ],
)
def test_a_rule_is_the_trigger_unless_only_a_schedule_can_say_it(fields: dict[str, Any], trigger: str) -> None:
    assert timing(**{"schedule": "@daily", **fields}).trigger == trigger


@pytest.mark.parametrize(
    ("schedule", "period"),
    [
        ("*/10 * * * *", 600),
        ("0 9,10 * * *", 3600),
        ("rate(3 hours)", 10_800),
        ("50 23 * * *", 86_400),
    ],
)
def test_the_shortest_period_is_that_of_runs_that_follow_each_other(schedule: str, period: int) -> None:
    assert timing(schedule).shortest_period() == timedelta(seconds=period)
    # AND only a run that takes longer goes on into the next
    assert timing(schedule).outlasted_by(period) is None
    assert timing(schedule).outlasted_by(period + 1) == period


def test_one_time_has_no_period() -> None:
    assert timing("at(2026-12-25T09:00:00)").shortest_period() is None
    assert timing("at(2026-12-25T09:00:00)").outlasted_by(86_400) is None


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        timing("@daily").next_runs(datetime(2026, 1, 1), 1)


def test_a_rate_beyond_the_end_of_time_ends() -> None:
    assert Timing("rate(99999999 days)").next_runs(utc("2026-01-01"), 2) == []


def test_a_timing_is_read_once() -> None:
    fields = {"timezone": "Asia/Seoul", "except": ["2026-12-25"]}

    assert timing("@daily", **fields) is timing("@daily", **fields)
    assert timing("@daily", **fields).zone is ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize(
    "excluded",
    [
        ["cron(* * * * ? *)"],
        ["cron(* 0-11 * * ? *)", "cron(* 12-23 ? * MON-FRI *)", "cron(* 12-23 ? * SAT-SUN *)"],
        ["cron(0/2 * * * ? *)", "cron(1/2 * 1-30 * ? *)", "cron(1/2 * 31 * ? *)"],
    ],
)
def test_that_all_is_excepted_is_read_off_the_fields(excluded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a schedule of 120 million times to the end of 2199, all excepted
    looked_at = []
    occurrence = Timing._occurrence
    monkeypatch.setattr(Timing, "_occurrence", lambda *given: looked_at.append(given) or occurrence(*given))
    # WHEN it is asked why it never runs THEN hardly any of them is looked at
    assert Timing.of("* * * * *", excluded=tuple(excluded)).why_never() == "never runs: except excludes all its times"
    assert len(looked_at) <= 3
