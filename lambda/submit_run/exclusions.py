"""`except`: dates, ranges of dates and cron expressions on which a job does not run, on its own wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from . import cron
from .zones import zone


def that_holds(entries: Sequence[str], at: datetime, timezone: str) -> str | None:
    """The first entry that a moment falls on; None if none does.

    Raises:
        ValueError: an entry is none, or nobody knows the zone.
    """
    where = zone(timezone)
    if where is None:
        raise ValueError(f"{timezone} is not a time zone that is known here")
    wall = at.astimezone(where)
    return next((entry for entry in entries if _holds(entry, wall)), None)


def check(entries: Sequence[str], timezone: str) -> None:
    """Reads all of them.

    Raises:
        ValueError: an entry is none, or nobody knows the zone.
    """
    for entry in entries:
        that_holds([entry], datetime(2000, 1, 1, tzinfo=UTC), timezone)


def _holds(entry: str, wall: datetime) -> bool:
    if entry.startswith("cron"):
        return cron.matches(entry, wall)
    first, slash, last = entry.partition("/")
    return date.fromisoformat(first) <= wall.date() <= date.fromisoformat(last if slash else first)
