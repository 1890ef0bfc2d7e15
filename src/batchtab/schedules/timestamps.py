"""A moment as people write it: with an offset, as a wall-clock time, or as a day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from batchtab.schedules import clocks

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_PATTERN = rf"^{_DAY}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?$"
_TIME_OF_DAY = r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?"
PATTERN = _PATTERN.replace("[0-9]{4}", "2[01][0-9]{2}", 1)
# In whatever zone, these are moments that `batchtab.limits.MOMENT` lets pass.
_FIRST, _LAST = date(2000, 1, 2), date(2199, 12, 30)
FORMS = "a day (2026-12-01), a wall-clock time (2026-12-01T09:00) or a moment (2026-12-01T00:00:00Z)"


def refusal(text: str) -> str | None:
    """Why a text is no moment, or none of the calendar; None if it is one."""
    if re.fullmatch(_PATTERN, text) is None:
        return f"is not allowed: {FORMS}"
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return f"is not allowed: {FORMS}"
    return None if _FIRST <= day <= _LAST else f"is too far away: from {_FIRST} to {_LAST}"


def with_day(text: str, zone: ZoneInfo, now: datetime) -> str:
    """A time of day with the day on which the clock of `zone` showed it last; another text as it is."""
    if re.fullmatch(_TIME_OF_DAY, text) is None:
        return text
    today = now.astimezone(zone).date()
    whole = f"{today}T{text}"
    if refusal(whole) is None and first(whole, zone) > now:
        return f"{today - timedelta(days=1)}T{text}"
    return whole


def first(text: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC; of a day, its beginning. Without an offset it is read on the wall clock of `zone`."""
    moment = datetime.fromisoformat(text)
    return clocks.to_utc(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


def last(text: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC; of a day, its last second."""
    if re.fullmatch(_DAY, text) is None:
        return first(text, zone)
    following = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time())
    return clocks.to_utc(following, zone) - timedelta(seconds=1)


def utc_text(moment: datetime) -> str:
    """A moment as triggers, records and AWS's schedules have it: `2026-11-24T06:00:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
