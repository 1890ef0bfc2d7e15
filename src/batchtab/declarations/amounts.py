"""Amounts with a unit, as people write them (`2GB`, `1.5GiB`, `30m`, `1h30m`, `PT5M`, `500m` of a CPU), in ours."""

from __future__ import annotations

import math
import re

from batchtab import limits

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION_WORDS = {
    "s": "s|secs?|seconds?",
    "m": "m|mins?|minutes?",
    "h": "h|hrs?|hours?",
    "d": "d|days?",
    "w": "w|weeks?",
    "ms": "ms|millis|milliseconds?",
}
_NUMBER = r"\d+(?:\.\d+)?"
_PART = re.compile(rf"({_NUMBER})\s*([a-z]+)(?:\s*,\s*|\s+and\s+|\s*)")
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?")
_ISO = re.compile(rf"p(?:({_NUMBER})w)?(?:({_NUMBER})d)?(?:t(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?)?")
# Docker and Compose take `g`, `gb` and `gib` for the same; Kubernetes' `G` of 1000³ is meant so as well.
_SIZE = re.compile(rf"({_NUMBER})\s*([kmgt]?)(?:i?b|i|[a-z]*bytes?)?")
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_PLAIN = re.compile(r"\d[\d_,]*(?:\.\d+)?(?:e\+?\d+)?")
# As a field's name ends, longest first: the kind of its amounts, and how many of the smallest unit one of them is.
_UNITS = {
    **dict.fromkeys(("seconds", "secs", "sec", "s"), ("duration", 1)),
    **dict.fromkeys(("minutes", "mins", "min"), ("duration", 60)),
    **dict.fromkeys(("hours", "hrs"), ("duration", 3600)),
    "days": ("duration", 86_400),
    **dict.fromkeys(("milliseconds", "ms"), ("duration", 0.001)),
    **dict.fromkeys(("bytes",), ("size", 1)),
    **dict.fromkeys(("mib", "mb"), ("size", 2**20)),
    **dict.fromkeys(("gib", "gb"), ("size", 2**30)),
}


def seconds(text: str) -> float | None:
    """A duration in seconds; None if the text is none, or a number without a unit."""
    text = text.strip().lower()
    if clock := _CLOCK.fullmatch(text):
        first, second, third = (int(part or 0) for part in clock.groups())
        return first * 3600 + second * 60 + third
    if len(text) > 1 and (iso := _ISO.fullmatch(text)) and any(iso.groups()):
        parts = zip(iso.groups(), ("w", "d", "h", "m", "s"), strict=True)
        return sum(float(number or 0) * _SECONDS[unit] for number, unit in parts)
    total, end = 0.0, 0
    while part := _PART.match(text, end):
        unit = next((unit for unit, words in _DURATION_WORDS.items() if re.fullmatch(words, part[2])), None)
        if unit is None:
            return None
        total, end = total + float(part[1]) * _SECONDS[unit], part.end()
    return total if end and end == len(text) else None


def size(text: str) -> float | None:
    """A size in bytes, in which `G`, `GB` and `GiB` are the same; None if the text is none, or has no unit."""
    found = _SIZE.fullmatch(text.strip().lower())
    return None if found is None or plain(text) is not None else float(found[1]) * _BYTES[found[2]]


def plain(text: str) -> float | None:
    """A number without a unit: `2048`, `1,800`, `1e3`; None if the text is none."""
    text = text.strip().lower()
    return float(text.replace("_", "").replace(",", "")) if _PLAIN.fullmatch(text) else None


def unit_of(field: str) -> tuple[str, str] | None:
    """A field's name without its unit, and the unit: `("timeout", "minutes")`; None for one without a unit."""
    name, _, unit = field.rpartition("_")
    return (name, unit) if name and unit in _UNITS else None


def in_unit_of(field: str, text: str) -> int | None:
    """An amount as the number that a field such as `memory_mib` takes, rounded up; None if the text is no amount.

    A number without a unit is taken for one of the field's.
    """
    named = unit_of(field)
    if named is None:
        return None
    kind, one = _UNITS[named[1]]
    amount = seconds(text) if kind == "duration" else size(text)
    if amount is None:
        number = plain(text)
        return None if number is None else _up(number)
    return _up(amount / one)


def converted(value: float, unit: str, field: str) -> int | None:
    """A number of one unit in that of a field: 30 `minutes` for `timeout_seconds` is 1800; None across kinds."""
    named = unit_of(field)
    if named is None or _UNITS[unit][0] != _UNITS[named[1]][0]:
        return None
    return _up(value * _UNITS[unit][1] / _UNITS[named[1]][1])


def vcpus(value: object) -> float | None:
    """CPUs as a number of vCPUs that Batch has, the next that is enough; None if the value says none.

    `500m` is Kubernetes' half a CPU; 1024 and the other sizes of ECS are its CPU units.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip().lower()
    milli = re.fullmatch(rf"({_NUMBER})m", text)
    named = re.fullmatch(rf"({_NUMBER})\s*v?cpus?", text)
    number = float(milli[1]) / 1000 if milli else float(named[1]) if named else plain(text)
    if not number:
        return None
    if number in {each * 1024 for each in limits.FARGATE_SIZES}:
        number /= 1024
    whole = _up(number)
    return None if whole is None else next((each for each in limits.FARGATE_SIZES if number <= each < 1), float(whole))


def _up(number: float) -> int | None:
    """The next whole number; None of one with more digits than a float has room for, such as `1e400`."""
    return math.ceil(round(number, 6)) if math.isfinite(number) else None
