"""Takes values out of what others wrote, of which nothing is believed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_TEXT_MAX = 2048
_LIST_MAX = 100


def as_text(value: Any, most: int = _TEXT_MAX) -> str:
    """A text without halves of characters, which nothing else takes; empty for anything else."""
    return value[:most].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def as_int(value: Any) -> int | None:
    """A whole number that JavaScript can represent, too; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else None


def as_dict(value: Any) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The beginning of a list; an empty one for anything else."""
    return value[:_LIST_MAX] if isinstance(value, list) else []


def first_dict(values: list[Any]) -> dict[str, Any]:
    """The first object of a list."""
    return as_dict(values[0]) if values else {}


def as_moment(value: Any) -> int | None:
    """A moment in UTC, `2026-11-24T00:00:00Z`, in seconds since 1970; None for anything else."""
    if not isinstance(value, str) or not re.fullmatch(
        r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,9})?Z", value
    ):
        return None
    try:
        return int(datetime.fromisoformat(f"{value[:19]}+00:00").timestamp())
    except ValueError:
        return None


def iso(at: int) -> str:
    """A moment as AWS writes it; `as_moment` reads it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
