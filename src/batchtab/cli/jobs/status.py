"""`batchtab status`: every job with its queue, its schedule, its next runs and how the last one ended."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from batchtab.aws.client import Aws
from batchtab.aws.runs import Runs
from batchtab.cli.connection import connect
from batchtab.cli.jobs.pause import why_paused
from batchtab.cli.options import StageOption
from batchtab.cli.tables import COLORS
from batchtab.declarations.job import JobSpec
from batchtab.declarations.named_jobs import all_jobs
from batchtab.terraform.session import Session

_RUNS = 3
_PLAIN_WIDTH = 160


def status(stage: StageOption = "local") -> None:
    """Show every job: queue, schedule, next runs, last status."""
    session = Session.open(stage)
    print_table(session, connect(session))


def print_table(session: Session, aws: Aws) -> None:
    """Prints the table on stdout, and below it why jobs are paused."""
    stage = session.catalog.stage
    jobs = list(all_jobs(session.catalog))
    paused = why_paused(session, aws, jobs, Runs(aws, stage.prefix))
    zone = ZoneInfo(stage.timezone)
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for heading in ("job", "queue", "schedule", "next three runs (UTC)", stage.timezone, "last status"):
        table.add_column(heading, overflow="fold")
    for named in jobs:
        full, job = named.full, named.spec
        runs = [] if full in paused else _runs(job, now)
        none = "paused" if full in paused else "suspended" if job.suspend else "-"
        last = next(aws.runs(session.catalog.job_queue_name(job.queue), full), None)
        state = last["status"] if last else "-"
        color = COLORS.get(state, "")
        table.add_row(
            full,
            job.queue,
            _schedule(job),
            _times(runs, now) or none,
            _times([run.astimezone(zone) for run in runs], now.astimezone(zone)) or "-",
            f"[{color}]{state}[/]" if color else state,
        )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    console.print(table)
    for full, why in paused.items():
        console.print(f"{full} is paused: {why}", markup=False, soft_wrap=True)


def _schedule(job: JobSpec) -> str:
    if job.schedule is None:
        return f"after {', '.join(job.after)}" if job.after else "by hand"
    return f"{job.schedule} {job.timezone}" if job.timezone else job.schedule


def _runs(job: JobSpec, now: datetime) -> list[datetime]:
    timing = job.timing
    return [] if timing is None or job.suspend else timing.next_runs(now, _RUNS)


def _times(runs: list[datetime], now: datetime) -> str:
    """Times of day, each with its date where that is not the one before's (or today's)."""
    parts = []
    day = now.date()
    for run in runs:
        parts.append(f"{run:%H:%M}" if run.date() == day else f"{run:%b %d %H:%M}")
        day = run.date()
    return ", ".join(parts)
