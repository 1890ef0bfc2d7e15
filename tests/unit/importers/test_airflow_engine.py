"""Airflow's cron timetables: the facts of Airflow's own tests, and cronsim as a second opinion."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from cronsim import CronSim

from batchtab.importers import engines
from batchtab.importers.engines import ClockError, airflow
from batchtab.importers.imported import SourceClock

END = datetime(2100, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(expression: str, timezone: str, since: str, count: int) -> list[str]:
    clock = SourceClock("airflow", expression, timezone)
    return [f"{at:%Y-%m-%dT%H:%M}" for at in islice(engines.times(clock, moment(since), END), count)]


@pytest.mark.parametrize(
    ("expression", "timezone", "since", "expected"),
    [
        # tests/unit/timetables/test_interval_timetable.py, TestCronIntervalDst: Zurich, 2023.
        ("0 3 * * *", "Europe/Zurich", "2023-03-24", ["2023-03-24T02:00", "2023-03-25T02:00", "2023-03-26T01:00"]),
        # 2:00 does not exist on 26 March: it comes when it would have been 2:00.
        ("0 2 * * *", "Europe/Zurich", "2023-03-24", ["2023-03-24T01:00", "2023-03-25T01:00", "2023-03-26T01:00"]),
        ("0 2 * * *", "Europe/Zurich", "2023-03-26T01:01", ["2023-03-27T00:00"]),
        ("0 3 * * *", "Europe/Zurich", "2023-10-27", ["2023-10-27T01:00", "2023-10-28T01:00", "2023-10-29T02:00"]),
        # 2:00 comes twice on 29 October: the second counts.
        ("0 2 * * *", "Europe/Zurich", "2023-10-27", ["2023-10-27T00:00", "2023-10-28T00:00", "2023-10-29T01:00"]),
        # TestCronIntervalDstNonTrivial: Los Angeles, 2020.
        (
            "0 7-8 * * *",
            "America/Los_Angeles",
            "2020-03-07",
            ["2020-03-07T15:00", "2020-03-07T16:00", "2020-03-08T14:00", "2020-03-08T15:00"],
        ),
        (
            "0 7,9 * * *",
            "America/Los_Angeles",
            "2020-03-07",
            ["2020-03-07T15:00", "2020-03-07T17:00", "2020-03-08T14:00", "2020-03-08T16:00"],
        ),
        # test_fold_scheduling: an expression of every hour goes by real time.
        (
            "*/30 * * * *",
            "Europe/Zurich",
            "2023-10-28T23:30",
            ["2023-10-28T23:30", "2023-10-29T00:00", "2023-10-29T00:30", "2023-10-29T01:00", "2023-10-29T01:30"],
        ),
        # test_cron_infer_manual_data_interval_dst.
        ("0 2 * * *", "America/New_York", "2024-03-09T00:00", ["2024-03-09T07:00", "2024-03-10T07:00"]),
        ("0 2 * * *", "Australia/Lord_Howe", "2024-10-04T15:00", ["2024-10-04T15:30", "2024-10-05T15:30"]),
        ("0 1 * * *", "America/New_York", "2024-11-02T05:00", ["2024-11-02T05:00", "2024-11-03T06:00"]),
        # test_trigger_timetable.py: several expressions start one run for each time.
        ("@hourly | 30 * * * *", "UTC", "2025-01-01T00:05", ["2025-01-01T00:30", "2025-01-01T01:00"]),
        ("0 * * * * | @hourly", "UTC", "2025-01-01", ["2025-01-01T00:00", "2025-01-01T01:00"]),
        ("30 16 * * MON", "UTC", "2022-08-02", ["2022-08-08T16:30", "2022-08-15T16:30"]),
    ],
)
def test_runs_are_those_of_airflows_own_tests(expression: str, timezone: str, since: str, expected: list[str]) -> None:
    assert starts(expression, timezone, since, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # Day of month or day of week; `*/2` counts as a day that is set.
        ("0 0 13 * 5", ["02", "09", "13", "16"]),
        ("0 0 */10 * MON", ["01", "05", "11", "12"]),
        # All days of the month count as `*` only where the other field has a `*` too.
        ("0 0 1-31 * MON", ["01", "02", "03", "04"]),
        ("0 0 1-31 * *", ["01", "02", "03", "04"]),
        # The end of day of week is 7, and a range of one value means all.
        ("0 0 * * 5/2", ["02", "04", "09", "11"]),
        ("0 0 * * 3-3", ["01", "02", "03", "04"]),
        ("0 0 * * fri-mon", ["02", "03", "04", "05"]),
        ("0 0 L * *", ["31"]),
        ("0 0 * * 1#2", ["12"]),
        ("0 0 * * L5", ["30"]),
        ("0 0 ? * 4", ["01", "08", "15", "22"]),
    ],
)
def test_days_are_those_of_croniter(expression: str, expected: list[str]) -> None:
    found = starts(expression, "UTC", "2026-01-01", len(expected))
    assert [each[8:10] for each in found] == expected


def test_presets_are_airflows() -> None:
    assert starts("@quarterly", "UTC", "2026-01-02", 2) == ["2026-04-01T00:00", "2026-07-01T00:00"]
    assert starts("@weekly", "UTC", "2026-01-02", 1) == ["2026-01-04T00:00"]


@pytest.mark.parametrize(
    "expression",
    ["0 0 1 13 0", "* * * *", "0 0 0 1 * *", "60 * * * *", "a * * * *", "0 0 0 * *", "*/0 * * * *", "", "@often"],
)
def test_what_airflow_refuses_and_seconds_are_refused(expression: str) -> None:
    assert engines.is_valid(SourceClock("airflow", expression))


def test_a_day_that_never_comes_ends_the_search() -> None:
    assert starts("0 0 30 2 *", "UTC", "2026-01-01", 1) == []
    with pytest.raises(ClockError, match="no time after"):
        airflow.first(SourceClock("airflow", "0 0 30 2 *"), moment("2026-01-01"), has_intervals=False)


def test_a_gap_of_days_goes_by_real_time_where_hours_are_free() -> None:
    # After Monday 23:00 comes 6 days and an hour later: clocks went forward on Sunday 29 March.
    assert starts("0 * * * 1", "Europe/Berlin", "2026-03-29T00:00", 2) == ["2026-03-29T23:00", "2026-03-30T00:00"]
    # In local time, that is Monday 1:00; a search that begins later must find the same.
    assert starts("0 * * * 1", "Europe/Berlin", "2026-03-29T22:30", 1) == ["2026-03-29T23:00"]


def test_the_first_run_with_intervals_is_one_interval_after_the_start() -> None:
    clock = SourceClock("airflow", "30 16 * * *")
    assert airflow.first(clock, moment("2021-09-04"), has_intervals=False) == moment("2021-09-04T16:30")
    assert airflow.first(clock, moment("2021-09-04"), has_intervals=True) == moment("2021-09-05T16:30")
    # A start on a time counts: its interval begins then.
    assert airflow.first(clock, moment("2021-09-04T16:30"), has_intervals=True) == moment("2021-09-05T16:30")
    assert airflow.last(clock, moment("2021-09-08"), has_intervals=False) == moment("2021-09-08")
    assert airflow.last(clock, moment("2021-09-08"), has_intervals=True) == moment("2021-09-08T16:30")


def test_a_length_of_time_counts_from_its_beginning() -> None:
    expression = "21600 seconds from 2026-01-01T04:30:00+00:00"
    assert starts(expression, "UTC", "2025-01-01", 2) == ["2026-01-01T04:30", "2026-01-01T10:30"]
    assert starts(expression, "UTC", "2026-01-05T10:30", 2) == ["2026-01-05T10:30", "2026-01-05T16:30"]
    assert starts(expression, "UTC", "2026-01-05T10:31", 1) == ["2026-01-05T16:30"]
    noon = airflow.at_noon(SourceClock("airflow", expression))
    assert noon is not None
    assert noon.expression == "0 12 * * *"
    assert airflow.at_noon(SourceClock("airflow", expression.replace("21600", "100000"))) is None


def test_at_noon_has_the_same_days() -> None:
    clock = airflow.at_noon(SourceClock("airflow", "*/5 3 1 * *", "Asia/Seoul"))
    assert clock is not None
    assert clock.expression == "0 12 1 * *"
    # Hours go by real time, so that the first of a day may shift where clocks change.
    assert airflow.at_noon(SourceClock("airflow", "*/5 * * * 1-5", "Europe/Berlin")) is None
    assert airflow.at_noon(SourceClock("airflow", "*/5 * * * 1-5", "Asia/Seoul")) is not None
    assert airflow.at_noon(SourceClock("airflow", "0 1 * * * | 0 2 * * *")) is None


def test_random_expressions_agree_with_cronsim() -> None:
    # Both read these alike: one of the day fields is free, and steps begin at `*`.
    chosen = random.Random(7)  # noqa: S311 - chosen once, for repeatable tests

    def field(low: int, high: int) -> str:
        first, last = sorted(chosen.sample(range(low, high + 1), 2))
        return chosen.choice(["*", str(first), f"{first}-{last}", f"{first},{last}", f"*/{chosen.randint(2, 9)}"])

    since = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(150):
        days = chosen.choice([(field(1, 28), "*"), ("*", field(0, 6))])
        expression = f"{field(0, 59)} {field(0, 23)} {days[0]} {field(1, 12)} {days[1]}"
        expected = list(islice(CronSim(expression, since - timedelta(minutes=1)), 40))
        found = list(islice(engines.times(SourceClock("airflow", expression), since, END), 40))
        assert found == expected, expression
