"""What `batchtab jobs` and `batchtab status` know of each job: its next run, its last, its pause.

Calls to AWS, with Q queues, S services and J jobs: at most 20 Q + 150 of ListJobs; one of ListRules for 100 rules, S of
ListSchedules, J/100 of BatchGetItem. Of one job: at most 20 of ListJobs, and four others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.aws.client import Aws
from batchtab.aws.parallel import started
from batchtab.aws.run_statistics import Gathered, RunStatistics, gathered
from batchtab.aws.runs import Runs
from batchtab.cli.jobs.pause import why_paused
from batchtab.cli.jobs.short_times import near
from batchtab.declarations.named_jobs import NamedJob
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

SINCE = timedelta(days=7)


@dataclass(frozen=True)
class JobSummary:
    """A job and how it does.

    Attributes:
        next_run: In UTC; None if its schedule starts it no more, or nothing does.
        why_not: In one word why there is none: paused, suspended, after (another job), manual or over.
        paused: Why it is paused; empty if it is not.
    """

    job: NamedJob
    queue: str
    statistics: RunStatistics
    next_run: datetime | None
    why_not: str
    paused: str = ""
    is_unread: bool = False

    def next_words(self, zone: ZoneInfo, now: datetime) -> str:
        """The next run for a table."""
        return near(self.next_run, zone, now) if self.next_run else self.why_not

    def last_words(self, zone: ZoneInfo, now: datetime) -> str:
        """When the last run was at its status, for a table."""
        last = self.statistics.last
        return near(last.at, zone, now) if last else "?" if self.is_unread else "-"

    @property
    def status(self) -> str:
        """Batch's status of the last run."""
        last = self.statistics.last
        return last.status if last else "?" if self.is_unread else "-"

    @property
    def schedule(self) -> str:
        """What starts it, as its file says."""
        spec = self.job.spec
        if spec.schedule is None:
            return spec.origin or "manual"
        return f"{spec.schedule} {spec.timezone}" if spec.timezone else spec.schedule

    def as_dict(self) -> dict[str, Any]:
        """For other programs."""
        last, its = self.statistics.last, self.statistics
        return {
            "job": self.job.full,
            "queue": self.queue,
            "schedule": self.job.spec.schedule,
            "timezone": self.job.spec.timezone,
            "after": list(self.job.spec.upstream) or None,
            "next_run": utc_text(self.next_run) if self.next_run else None,
            "suspended": self.job.spec.suspend,
            "paused": self.paused or None,
            "last_status": last.status if last else None,
            "last_submitted_at": utc_text(last.submitted) if last else None,
            "last_started_at": utc_text(last.started) if last and last.started else None,
            "last_stopped_at": utc_text(last.stopped) if last and last.stopped else None,
            "last_job_id": last.job_id if last else None,
            "ended_runs": its.ended,
            "succeeded_runs": its.succeeded,
            "success_rate": None if its.success_rate is None else round(its.success_rate, 4),
            "p50_seconds": its.percentile(50),
            "p95_seconds": its.percentile(95),
        }


@dataclass(frozen=True)
class Summaries:
    """Of several jobs, in the order of the files.

    Attributes:
        missing: What was not read, a line each.
    """

    jobs: tuple[JobSummary, ...]
    missing: tuple[str, ...] = ()


def summaries(session: Session, aws: Aws, jobs: Sequence[NamedJob], now: datetime) -> Summaries:
    """What is known of jobs; their runs of the last seven days count."""
    catalog = session.catalog
    queue_of = {job.full: catalog.job_queue_name(job.spec.queue) for job in jobs}
    with started([lambda: why_paused(session, aws, jobs, Runs(aws, catalog.stage.prefix))]) as (asked,):
        found = gathered(aws, queue_of, now - SINCE)
        paused = asked.result()
    made = tuple(_summary(job, found, paused.get(job.full, ""), now) for job in jobs)
    prefix = f"{catalog.stage.prefix}-"
    zone = ZoneInfo(catalog.stage.timezone)
    missing = [
        f"queue {queue.removeprefix(prefix)}: only runs since {near(begin, zone, now)} count, there are too many"
        for queue, begin in found.begins.items()
    ]
    if found.unread:
        missing.append(f"the last runs of {len(found.unread):,} jobs were not read ('?'): batchtab history JOB")
    return Summaries(made, tuple(missing))


def _summary(job: NamedJob, found: Gathered, paused: str, now: datetime) -> JobSummary:
    following, why_not = _next(job, paused, now)
    return JobSummary(
        job=job,
        queue=job.spec.queue,
        statistics=found.of_jobs.get(job.full, RunStatistics()),
        next_run=following,
        why_not=why_not,
        paused=paused,
        is_unread=job.full in found.unread,
    )


def _next(job: NamedJob, paused: str, now: datetime) -> tuple[datetime | None, str]:
    spec = job.spec
    if spec.suspend or paused:
        return None, "suspended" if spec.suspend else "paused"
    timing = spec.timing
    if timing is None:
        return None, "after" if spec.upstream else "manual"
    runs = timing.next_runs(now, 1)
    return (runs[0], "") if runs else (None, "over")
