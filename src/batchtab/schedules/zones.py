"""Time zones by their names in the IANA database, and what wall clocks do when they are changed."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab import limits
from batchtab.errors import did_you_mean

# What people say who mean a zone. Some are names in the database, but of clocks that never change.
ABBREVIATIONS = {
    "AEDT": "Australia/Sydney",
    "AEST": "Australia/Sydney",
    "AKST": "America/Anchorage",
    "BRT": "America/Sao_Paulo",
    "BST": "Europe/London",
    "CDT": "America/Chicago",
    "CEST": "Europe/Berlin",
    "CET": "Europe/Berlin",
    "CST": "America/Chicago or Asia/Shanghai",
    "EDT": "America/New_York",
    "EEST": "Europe/Helsinki",
    "EET": "Europe/Helsinki",
    "EST": "America/New_York",
    "HKT": "Asia/Hong_Kong",
    "HST": "Pacific/Honolulu",
    "ICT": "Asia/Bangkok",
    "IST": "Asia/Kolkata or Europe/Dublin",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "MDT": "America/Denver",
    "MET": "Europe/Berlin",
    "MSK": "Europe/Moscow",
    "MST": "America/Denver or America/Phoenix",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "PDT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "SGT": "Asia/Singapore",
    "WEST": "Europe/Lisbon",
    "WET": "Europe/Lisbon",
    "Z": "UTC",
}
# Files beside the zones in an operating system's copy of the database.
_NO_ZONES = ("localtime", "posixrules", "Factory")
_OTHER_TREES = ("posix/", "right/")
_SECOND = timedelta(seconds=1)


def refusal(name: str) -> tuple[str, str] | None:
    """Why a name is no time zone, and the one that may be meant; None if it is one."""
    if meant := ABBREVIATIONS.get(name.upper()):
        return "is an abbreviation: a name such as Asia/Seoul tells when its clocks are changed", f"write {meant}"
    if limits.TIMEZONE.refusal(name) is None and name not in _NO_ZONES and not name.startswith(_OTHER_TREES):
        try:
            ZoneInfo(name)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):  # the last is a KeyError
            pass
        else:
            return None
    known = sorted(zoneinfo.available_timezones() - {*_NO_ZONES})
    city = name.replace(" ", "_").rpartition("/")[2].lower()
    near = next((zone for zone in known if zone.lower() in {name.lower(), city}), "") or next(
        (zone for zone in known if zone.rpartition("/")[2].lower() == city), ""
    )
    hint = f"did you mean '{near}'?" if near else did_you_mean(name, known)
    return "is not a time zone, such as Asia/Seoul", hint


def change_of(wall: datetime, zone: ZoneInfo) -> timedelta:
    """By how much clocks are changed around a wall-clock time: above zero where it is left out, below where it recurs.

    Args:
        wall: Without a zone.
        zone: Whose wall clock.
    """
    first = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    second = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    return second - first


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wall-clock time: the first of two, and of one that is left out, when the clocks are changed."""
    if zone.key == "UTC":
        return wall.replace(tzinfo=UTC)
    if change_of(wall, zone) <= timedelta():
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
