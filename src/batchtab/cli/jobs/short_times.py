"""Times and lengths of time in few characters, for the columns of tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab.schedules.durations import duration

_WEEK = timedelta(days=6)
_YEAR = timedelta(days=300)


def span(seconds: float) -> str:
    """`45s`, `10m`, `1h30m`, `2d4h`."""
    return duration(seconds).replace("min", "m").replace(" ", "")


def near(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A moment on a wall clock: `09:00` today, `Thu 09:00` within a week, `24 Dec 09:00`, far away `2028-02-29`."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if abs(local - today) < _WEEK:
        return f"{local:%a %H:%M}"
    return f"{local.day:>2} {local:%b %H:%M}" if abs(local - today) < _YEAR else f"{local:%Y-%m-%d}"
