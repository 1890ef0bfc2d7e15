"""Runs as a table: on a terminal with the reason below, elsewhere a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import typer

from batchtab.aws.run_history import Run
from batchtab.cli.output import print_rows
from batchtab.cli.tables import COLORS
from batchtab.schedules.durations import duration

_NOT_RUN = "yellow"


def show(runs: Sequence[Run], zone: ZoneInfo, *, is_one: bool) -> None:
    """Prints runs on the wall clock of a zone.

    Args:
        runs: The latest first.
        zone: The zone.
        is_one: Whether all are one job's, so that lines do not repeat its name.
    """
    if not runs:
        typer.echo("No runs.")
        return
    first = () if is_one else ("job",)
    rows: list[tuple[str, ...]] = [(*first, "scheduled", "status", "started", "took", "tries")]
    rows += [(*(() if is_one else (run.job,)), *cells(run, zone)) for run in runs]
    reasons = ["reason", *(run.reason for run in runs)]
    typer.echo(f"Times of {zone}.")
    styles = [("",) * len(rows[0])]
    styles += [(*(("",) * len(first)), "", _color(run.status), "", "", "") for run in runs]
    print_rows(rows, reasons, styles)


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
