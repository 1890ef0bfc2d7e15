"""A moment as people write it: with an offset, as a wall-clock time, or as a day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs import zones

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
PATTERN = rf"^{_DAY}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?$"
FORMS = "a day (2026-12-01), a wall-clock time (2026-12-01T09:00) or a moment (2026-12-01T00:00:00Z)"


def is_one(text: str) -> bool:
    """Whether a text is a moment that exists in the calendar."""
    if re.fullmatch(PATTERN, text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def first(text: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC; of a day, its beginning. Without an offset it is read on the wall clock of `zone`."""
    moment = datetime.fromisoformat(text)
    return zones.to_utc(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


def last(text: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC; of a day, its last second."""
    if re.fullmatch(_DAY, text) is None:
        return first(text, zone)
    following = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time())
    return zones.to_utc(following, zone) - timedelta(seconds=1)
