"""Engines that say when a source starts its jobs: the source's own rules, by code that jobs.yaml is not read with.

An engine is a module of this folder with `times(clock, since)`, which yields moments in UTC from `since` on, in order,
and `at_noon(clock)`: the same days with one time, 12:00 of the clock's zone; None where days and times cannot be
separated.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime
from itertools import dropwhile, takewhile
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.imported import SourceClock

NAMES = ("vixie", "cronie", "kubernetes", "systemd", "aws", "airflow", "period", "once")


class ClockError(ValueError):
    """The source itself would refuse the expression."""


def times(clock: SourceClock, since: datetime, until: datetime) -> Iterator[datetime]:
    """When the source starts the job, in UTC, from `since` to before `until`.

    Raises:
        ClockError: The source would refuse the expression.
    """
    if clock.start:
        since = max(since, datetime.fromisoformat(clock.start))
    if clock.end:
        until = min(until, datetime.fromisoformat(clock.end))
    found = _engine(clock.engine).times(clock, since)
    return takewhile(lambda at: at < until, dropwhile(lambda at: at < since, found))


def at_noon(clock: SourceClock) -> SourceClock | None:
    """The same days, once a day."""
    changed: SourceClock | None = _engine(clock.engine).at_noon(clock)
    return changed


def is_valid(clock: SourceClock) -> str:
    """Why the source would refuse the expression; empty if it takes it."""
    try:
        next(_engine(clock.engine).times(clock, datetime.fromisoformat("2026-01-01T00:00:00+00:00")), None)
    except ClockError as error:
        return str(error)
    return ""


def _engine(name: str) -> Any:
    if name not in NAMES:
        raise UsageError(f"'{name}' is not an engine: {', '.join(NAMES)}")
    return importlib.import_module(f"{__name__}.{name}")
