"""What wall clocks show, also when they are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def change_of(wall: datetime, zone: ZoneInfo) -> timedelta:
    """By how much clocks are changed around a wall-clock time: above zero where it is left out, below where it recurs.

    Args:
        wall: Without a zone.
        zone: The wall clock's time zone.
    """
    first = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    second = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    return second - first


def instant(wall: datetime, zone: tzinfo) -> datetime | None:
    """The moment of a wall-clock time: the first of two; None if it is left out. Takes zones of any library."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == wall else None


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
