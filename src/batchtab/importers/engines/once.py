"""One moment, such as `2026-12-01T09:00:00` on the wall clock of the clock's zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from batchtab.importers.engines import ClockError
from batchtab.importers.imported import SourceClock


def times(clock: SourceClock, since: datetime) -> Iterator[datetime]:
    """That moment, if it is not over."""
    try:
        wall = datetime.fromisoformat(clock.expression)
    except ValueError:
        raise ClockError(f"'{clock.expression}' is not a moment such as 2026-12-01T09:00:00") from None
    at = (wall if wall.tzinfo else wall.replace(tzinfo=ZoneInfo(clock.timezone))).astimezone(UTC)
    return iter([at] if at >= since else [])


def at_noon(clock: SourceClock) -> None:
    """It has no other days."""
