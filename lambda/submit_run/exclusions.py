"""Whether a run falls on a time on which its job does not run: dates, ranges of dates, cron expressions.

All are meant on the wall clock of the schedule's time zone. What can't be read is refused, so that somebody sees it:
better a job that did not run than one that ran on a holiday.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

from .request import MalformedError, Request


def excluded_by(request: Request) -> str:
    """The entry of `except` that a run falls on; empty if there is none.

    Raises:
        MalformedError: an entry is neither a date, a range of dates nor a cron expression, or the zone is not known.
    """
    job = request.job
    if not job.excluded:
        return ""
    from batchtab.schedules.cron import ScheduleError  # noqa: PLC0415
    from batchtab.schedules.exclusions import Exclusions  # noqa: PLC0415
    from shared.zones import zone  # noqa: PLC0415 - most jobs have no `except`

    where = zone(job.timezone)
    if where is None:
        raise MalformedError(f"job.timezone: {job.timezone!r} is not a known time zone")
    wall = request.scheduled_time.astimezone(where).replace(tzinfo=None)
    for entry in job.excluded:
        try:
            if Exclusions.parse([entry]).matches(wall):
                return entry
        except ScheduleError as error:
            raise MalformedError(f"job.except: {entry!r} {error}") from error
    return ""
