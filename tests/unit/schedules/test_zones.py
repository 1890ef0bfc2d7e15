from __future__ import annotations

import zoneinfo

import pytest

from batchtab.schedules import zones


@pytest.mark.parametrize("name", ["UTC", "Asia/Seoul", "America/Argentina/Buenos_Aires", "Etc/GMT+9", "GMT"])
def test_a_name_of_the_database_is_a_zone(name: str) -> None:
    assert zones.refusal(name) is None


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("KST", "is an abbreviation", "write Asia/Seoul"),
        ("EST", "is an abbreviation", "write America/New_York"),  # in the database, but its clocks are never changed
        ("cet", "is an abbreviation", "write Europe/Berlin"),
        ("CST", "is an abbreviation", "write America/Chicago or Asia/Shanghai"),
        ("Z", "is an abbreviation", "write UTC"),
        ("asia/seoul", "is not a time zone", "did you mean 'Asia/Seoul'?"),
        ("Asia/Seol", "is not a time zone", "did you mean 'Asia/Seoul'?"),
        ("Berlin", "is not a time zone", "did you mean 'Europe/Berlin'?"),
        ("new york", "is not a time zone", "did you mean 'America/New_York'?"),
        ("utc", "is not a time zone", "did you mean 'UTC'?"),
        ("+09:00", "is not a time zone", ""),
        ("localtime", "is not a time zone", ""),
        ("posix/Asia/Seoul", "is not a time zone", "did you mean 'Asia/Seoul'?"),
        ("../../etc/passwd", "is not a time zone", ""),
        ("", "is not a time zone", ""),
        ("\0", "is not a time zone", ""),
    ],
)
def test_what_is_no_zone_is_refused_with_the_one_that_is_meant(name: str, message: str, hint: str) -> None:
    refusal = zones.refusal(name)

    assert refusal is not None
    assert refusal[0].startswith(message)
    assert refusal[1] == hint


def test_every_name_of_the_database_is_a_zone_or_an_abbreviation_that_says_what_is_meant() -> None:
    names = zoneinfo.available_timezones() - {"localtime", "posixrules", "Factory"}
    refused = {name: refusal for name in names if (refusal := zones.refusal(name))}
    assert {*refused} <= {*zones.ABBREVIATIONS}
    assert zones.refusal("EST5EDT") is None
    assert all(hint.startswith("write ") for _, hint in refused.values())


def test_what_is_written_for_an_abbreviation_is_a_zone() -> None:
    known = zoneinfo.available_timezones()

    for meant in zones.ABBREVIATIONS.values():
        assert set(meant.split(" or ")) <= known
