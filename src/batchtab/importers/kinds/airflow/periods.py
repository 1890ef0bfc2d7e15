"""Lengths of time, such as `timedelta(hours=6)`, as schedules of jobs.yaml."""

from __future__ import annotations

from datetime import datetime

MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def on_the_clock(seconds: int, anchor: datetime) -> str:
    """Crontab's fields for a length that divides a day, counted from a moment; empty if there are none."""
    if _DAY % seconds or anchor.second or anchor.microsecond:
        return ""
    if seconds < _HOUR and _HOUR % seconds == 0:
        return f"{_steps(anchor.minute, seconds // MINUTE, 60)} * * * *"
    if seconds % _HOUR == 0:
        return f"{anchor.minute} {_steps(anchor.hour, seconds // _HOUR, 24)} * * *"
    return ""


def _steps(first: int, step: int, count: int) -> str:
    first %= step
    if step == 1:
        return "*"
    if step == count:
        return str(first)
    return f"{first}-{count - 1}/{step}" if first else f"*/{step}"
