"""Lengths of time as people say them."""

from __future__ import annotations

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float, *, units: int = 2) -> str:
    """`45 s`, `10 min`, `1 h 30 min`, `2 d 4 h`.

    Args:
        seconds: The length; rounded, and below zero as zero.
        units: How many units it has at most; the last is rounded down.
    """
    rest = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in _UNITS:
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {unit}")
        elif units == 2 and parts:  # `1 h`, not `1 h 5 s`
            break
        if len(parts) == units:
            break
    return " ".join(parts) or "0 s"
