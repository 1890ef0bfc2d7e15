"""Times as a person writes them behind `JOB@`, and those at which a job was due by its schedule. Calls no AWS."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab.declarations.catalog import load
from batchtab.declarations.named_jobs import find
from batchtab.schedules import timestamps
from batchtab.schedules.timestamps import utc_text

_TIMES = 10
_SPANS = tuple(timedelta(days=days) for days in (0.1, 1, 8, 40, 400))  # a schedule may be dense or sparse


def due_times(stage: str, name: str, now: datetime) -> list[str]:
    """The latest times at which a job was due; none of a rate, which has no times of its own.

    Raises:
        UsageError: the files have faults, or there is no such job.
    """
    catalog = load(stage)
    job = find(catalog, name, "")
    timing = job.spec.timing
    if timing is None or timing.is_rate:
        return []
    found: list[datetime] = []
    for span in _SPANS:
        found = timing.between(now - span, now)
        if len(found) >= _TIMES:
            break
    return [written(at, job.zone(catalog)) for at in found[-_TIMES:]]


def written(at: datetime, zone: ZoneInfo) -> str:
    """A moment on the wall clock of a job, unless that means another moment."""
    text = f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}".removesuffix(":00")
    return text if timestamps.first(text, zone) == at else utc_text(at)
