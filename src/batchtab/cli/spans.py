"""Spans of time as options take them: `90m`, `12h`, `7d`, `4w`."""

from __future__ import annotations

import re
from datetime import timedelta

from batchtab.errors import UsageError, how_many

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def words(of: timedelta) -> str:
    """A span for people: `1 hour`, `90 minutes`, `30 days`."""
    seconds = round(of.total_seconds())
    for noun, size in (("day", 86_400), ("hour", 3600)):
        if seconds % size == 0:
            return how_many(seconds // size, noun)
    return how_many(round(seconds / 60), "minute")


def span(text: str, command: str, option: str = "--since") -> timedelta:
    """A span.

    Raises:
        UsageError: it is none.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text.strip())
    if match is None:
        raise UsageError(f"{command}: {option} '{text}' is not a time span: 90m, 12h, 7d or 4w")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
