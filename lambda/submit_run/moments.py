"""Moments in UTC as AWS writes them: `2026-11-24T00:00:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,9})?Z")


def moment(text: str) -> datetime | None:
    """A moment to the second; None for anything else."""
    if not _SHAPE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(f"{text[:19]}+00:00")
    except ValueError:
        return None


def iso(at: datetime) -> str:
    """A moment as AWS writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso_at(seconds: float) -> str:
    """The same, from seconds since 1970."""
    return iso(datetime.fromtimestamp(seconds, UTC))
