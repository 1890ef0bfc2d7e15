"""A job's timing as it is deployed: when it runs, in AWS's words, and for how long a run may be delivered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from batchtab import limits
from batchtab.declarations.job import JobSpec
from batchtab.schedules.gaps import least_gap_seconds
from batchtab.schedules.timestamps import utc_text

#: How long delivery of a run is tried at most.
LONGEST_SECONDS = 3600
#: What of a timing the alerts must know.
WATCHED = ("schedule", "timezone", "start", "end", "flexible_window_minutes")


def timing(job: JobSpec) -> dict[str, Any]:
    """A job's timing by the names of the construct's arguments: AWS's form of the schedule, moments in UTC."""
    known = job.timing
    started = known is not None or job.upstream
    return {
        "schedule": None if known is None else known.expression,
        "timezone": job.timezone,
        "start": None if known is None else _text(known.start_utc),
        "end": None if known is None else _text(known.end_utc),
        "flexible_window_minutes": job.flexible_window_minutes,
        "except_": job.except_,
        "trigger": job.trigger,
        "suspend": job.suspend,
        "starting_deadline_seconds": job.starting_deadline_seconds,
        **({"maximum_event_age_seconds": maximum_event_age_seconds(job)} if started else {}),
    }


def watched(job: JobSpec) -> dict[str, Any]:
    """What the alerts must know to report that a run never came.

    Raises:
        ValueError: the job has no schedule, or says no `late_after_seconds`.
    """
    late_after_seconds = job.alerts.late_after_seconds
    if job.schedule is None or late_after_seconds is None:
        raise ValueError("a job whose runs are watched has a schedule and late_after_seconds")
    given = {name: value for name, value in timing(job).items() if name in WATCHED and value is not None}
    return {**given, "late_after_seconds": late_after_seconds}


def maximum_event_age_seconds(job: JobSpec) -> int:
    """How long delivery of a run is tried: less than the schedule's period, at most an hour.

    A run that could not be delivered for longer is in the dead-letter queue; it would start beside the next one. The
    count begins when the trigger fires, which within a flexible window is later than the run's time. A deadline counts
    here where Batch gets the run at once; the submit function looks at it itself, and records what is late.
    """
    gap = None if job.schedule is None else least_gap_seconds(job.schedule)
    longest = [LONGEST_SECONDS]  # a chain's next job may start late, but not never
    if gap is not None:
        longest.append(gap - 1 - _window_seconds(job))
    if job.starting_deadline_seconds is not None and not job.is_managed:
        longest.append(job.starting_deadline_seconds - _window_seconds(job))
    return max(limits.DELIVERY_RETRY_AGE_SECONDS.minimum, min(longest))


def _window_seconds(job: JobSpec) -> int:
    return (job.flexible_window_minutes or 0) * 60


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
