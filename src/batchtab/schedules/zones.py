"""The names of time zones in the IANA database."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from zoneinfo import ZoneInfo

from batchtab.schedules import shapes

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
IS_ABBREVIATION = "is an abbreviation: a name such as Asia/Seoul says when its clocks change"
UNKNOWN = "is not a time zone, such as Asia/Seoul"
# Files beside the zones in an operating system's copy of the database.
_NO_ZONES = ("localtime", "posixrules", "Factory")
_OTHER_TREES = ("posix/", "right/")


def refusal(name: str) -> tuple[str, str] | None:
    """Why a name is no time zone, and the one that may be meant; None if it is one."""
    if meant := ABBREVIATIONS.get(name.upper()):
        return IS_ABBREVIATION, f"write {meant}"
    if _may_be_zone(name):
        try:
            ZoneInfo(name)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):  # the last is a KeyError
            pass
        else:
            return None
    known = sorted(zoneinfo.available_timezones() - {*_NO_ZONES})
    city = name.replace(" ", "_").rpartition("/")[2].lower()
    near = (
        [zone for zone in known if zone.lower() in {name.lower(), city}]
        or [zone for zone in known if zone.rpartition("/")[2].lower() == city]
        or difflib.get_close_matches(name, known, 1)
    )
    return UNKNOWN, f"did you mean '{near[0]}'?" if near else ""


def _may_be_zone(name: str) -> bool:
    is_name = len(name) <= shapes.ZONE_MAX and re.fullmatch(shapes.ZONE_PATTERN, name)
    return bool(is_name) and name not in _NO_ZONES and not name.startswith(_OTHER_TREES)
