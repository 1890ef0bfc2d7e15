from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.calendar.support import week


@pytest.mark.parametrize(
    ("first", "zone", "hours", "change"),
    [
        ("2026-03-23", "Europe/Berlin", [24, 24, 24, 24, 24, 24, 23], "clocks go forward from 02:00 to 03:00"),
        ("2026-10-22", "Europe/Berlin", [24, 24, 24, 25, 24, 24, 24], "clocks go back from 03:00 to 02:00"),
        ("2026-10-01", "Australia/Lord_Howe", [24, 24, 24, 23.5, 24, 24, 24], "clocks go forward from 02:00 to 02:30"),
        # At midnight, so that the day begins at 01:00.
        ("2026-09-05", "America/Santiago", [24, 23, 24, 24, 24, 24, 24], "clocks go forward from 00:00 to 01:00"),
    ],
)
def test_a_day_on_which_clocks_are_changed_is_shorter_or_longer(
    first: str, zone: str, hours: list[float], change: str
) -> None:
    found = week(first, zone)

    assert [day.hours for day in found.days] == hours
    assert found.seconds == sum(hours) * 3600
    assert [str(each) for each in found.changes] == [change]


def test_clocks_are_changed_at_a_moment() -> None:
    (change,) = week("2026-03-23", "Europe/Berlin").changes

    assert change.at == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul"])
def test_most_zones_and_weeks_have_no_change(zone: str) -> None:
    found = week("2026-03-23", zone)

    assert found.changes == ()
    assert {day.hours for day in found.days} == {24}


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("2026-03-23", "23 – 29 March 2026"),  # noqa: RUF001
        ("2026-03-26", "26 March – 1 April 2026"),  # noqa: RUF001
        ("2026-12-28", "28 December 2026 – 3 January 2027"),  # noqa: RUF001
    ],
)
def test_a_week_is_named_by_its_first_and_last_day(first: str, words: str) -> None:
    assert str(week(first)) == words
