"""Times and numbers as people say them."""

from __future__ import annotations

from datetime import datetime

from batchtab.schedules.durations import duration

DASH, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"

_EVERY = {60: "every minute", 3600: "every hour", 86_400: "every day"}


def every(seconds: int) -> str:
    """`every minute`, `every 10 min`."""
    return _EVERY.get(seconds) or f"every {duration(seconds)}"


def vcpus(number: float) -> str:
    """`16`, `0.25`, `1,234`."""
    return f"{number:,.10g}" if number % 1 else f"{number:,.0f}"


def day(moment: datetime) -> str:
    """`Tue 24 Mar`."""
    return f"{moment:%a} {moment.day} {moment:%b}"


def clock(moment: datetime) -> str:
    """`02:30 CET`."""
    return f"{moment:%H:%M %Z}"


def listed(names: list[str], most: int) -> str:
    """`a, b and 3 more`."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"
