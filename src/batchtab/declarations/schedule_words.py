"""When a job runs, in other systems' words: `cron`, `every`, `at`, an abbreviated time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab.declarations import amounts
from batchtab.declarations.rewriting import write
from batchtab.schedules import zones
from batchtab.schedules.expression import ScheduleError
from batchtab.schedules.expression import check as check_schedule

_DAILY = re.compile(r"(?i)(hourly|daily|weekly|monthly|yearly|annually|midnight)")
_SCHEDULES = ("cron", "expression", "schedule")


def schedule(field: str, value: Any) -> str:
    """A schedule without its field, or a mapping or list around one; crontab's words without their `@`."""
    while isinstance(value, Mapping) or (isinstance(value, list) and len(value) == 1):
        value = value[0] if isinstance(value, list) else next(map(value.get, {*_SCHEDULES} & {*value}), None)
    if not isinstance(value, str):
        return ""
    for form in (value, f"@{value.lower()}" if _DAILY.fullmatch(value) else f"cron({value})"):
        try:
            check_schedule(form)
        except ScheduleError:
            continue
        return write(field, form)
    return ""


def zone(field: str, value: Any) -> str:
    """A time zone, also by an abbreviation."""
    if not isinstance(value, str):
        return ""
    refusal = zones.refusal(value)
    return write(field, value) if refusal is None else refusal[1].replace("write ", f"write {field}: ", 1)


def once(field: str, value: Any) -> str:
    """A moment: `at: 2026-12-01T09:00:00`."""
    return schedule(field, value) or schedule(field, f"at({value})")


def rate(field: str, value: Any) -> str:
    """An interval: `every: 5m` is `rate(5 minutes)`."""
    seconds = amounts.seconds(value) if isinstance(value, str) else None
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds and seconds % length == 0:
            number = int(seconds // length)
            return write(field, f"rate({number} {unit}{'s' if number > 1 else ''})")
    return schedule(field, value)
