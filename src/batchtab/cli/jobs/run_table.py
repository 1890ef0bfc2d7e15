"""Runs as a table: on a terminal with the reason below, elsewhere a line for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.aws.run_history import Run
from batchtab.cli.output import Column, Listing
from batchtab.cli.tables import COLORS
from batchtab.run_story.wording import localized
from batchtab.schedules.durations import duration
from batchtab.schedules.timestamps import utc_text

_NOT_RUN = "yellow"


def listing(zone: ZoneInfo, *, is_one: bool) -> Listing[Run]:
    """How runs are printed.

    Args:
        zone: The time zone of a table's times.
        is_one: Whether all are one job's, so that a table need not name it.
    """

    def cell(number: int) -> Callable[[Run], str]:
        return lambda run: cells(run, zone)[number]

    name = Column[Run]("job", lambda run: run.job)
    return Listing(
        columns=(
            *(() if is_one else (name,)),
            Column("scheduled", cell(0)),
            Column("status", cell(1), style=lambda run: _color(run.status)),
            Column("started", cell(2)),
            Column("took", cell(3)),
            Column("tries", cell(4)),
            Column("job id", lambda run: run.job_id or "-", is_wide=True),
        ),
        as_dict=as_dict,
        name=lambda run: run.job_id or run.run_id,
        note=lambda run: localized(run.reason, zone),
        note_heading="reason",
        empty="No runs.",
    )


def _color(status: str) -> str:
    return COLORS.get(status, _NOT_RUN if status.islower() else "")


def cells(run: Run, zone: ZoneInfo) -> tuple[str, str, str, str, str]:
    """When it was due, its status, when it started, how long it took, and how many attempts began."""
    scheduled = run.scheduled.astimezone(zone) if run.scheduled else None
    started = run.started.astimezone(zone) if run.started else None
    return (
        f"{scheduled:%Y-%m-%d %H:%M}" if scheduled else "manual",
        run.status,
        _started(started, scheduled),
        "" if run.took_seconds is None else duration(run.took_seconds).replace(" ", ""),
        str(run.attempts) if run.attempts else "",
    )


def _started(started: datetime | None, scheduled: datetime | None) -> str:
    """The time of day; with the day where that is not the one on which it was due."""
    if started is None:
        return ""
    same = scheduled is not None and scheduled.date() == started.date()
    return f"{started:%H:%M:%S}" if same else f"{started:%m-%d %H:%M}"


def as_dict(run: Run) -> dict[str, Any]:
    """A run for other programs: moments in UTC, null where there is none."""
    return {
        "job": run.job,
        "scheduled_time": _utc(run.scheduled),
        "status": run.status,
        "submitted_or_noted_at": _utc(run.came),
        "started_at": _utc(run.started),
        "stopped_at": _utc(run.stopped),
        "duration_seconds": None if run.took_seconds is None else round(run.took_seconds, 3),
        "attempts": run.attempts or None,
        "reason": run.reason or None,
        "run_id": run.run_id or None,
        "job_id": run.job_id or None,
    }


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
