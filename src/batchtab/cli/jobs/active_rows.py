"""The rows of `batchtab ps`: jobs in Batch that have not ended, and runs that wait to be submitted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.aws.active_jobs import ActiveJob
from batchtab.aws.waiting_runs import WaitingRun
from batchtab.cli.jobs.short_times import span
from batchtab.cli.jobs.waiting_words import WaitingWords
from batchtab.cli.output import Column, Listing
from batchtab.cli.tables import COLORS
from batchtab.schedules.timestamps import utc_text

_ORDER = ("RUNNING", "STARTING", "RUNNABLE", "PENDING", "SUBMITTED", "claimed", "waiting")
_MIB_PER_GIB = 1024


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        state: Batch's status, in capitals; of a run without a job what the submit function noted.
        age_seconds: For how long it is so.
        place: In the queue or, of a waiting run, among its job's runs; None if it has none.
        queue: The queue's short name.
        why: Why it does not run yet.
        running_children: Of an array, whose own state is PENDING while they run.
    """

    job: str
    state: str
    since: datetime
    age_seconds: float
    why: str
    queue: str
    place: int | None = None
    attempt: int = 0
    attempts_allowed: int = 0
    size: int = 0
    ended_children: int = 0
    running_children: int = 0
    vcpus: float = 0.0
    memory_mib: int = 0
    job_id: str = ""
    run_id: str = ""
    scheduled_time: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it, or a part of it, runs."""
        return self.state == "RUNNING" or self.running_children > 0

    def order(self) -> tuple[int, int, datetime]:
        """What runs comes first, then what is nearest to it."""
        state = _ORDER.index("RUNNING" if self.is_running else self.state) if self.state in _ORDER else len(_ORDER)
        return state, self.place or 1_000_000, self.since


def of_job(job: ActiveJob, words: WaitingWords, prefix: str, now: datetime) -> Row:
    """A job in Batch; `prefix` is what the names of the stage's queues begin with."""
    return Row(
        job=job.name,
        state=job.status,
        since=job.since,
        age_seconds=(now - job.since).total_seconds(),
        why=words.of_job(job),
        queue=job.queue.removeprefix(prefix),
        place=job.place,
        attempt=job.attempt,
        attempts_allowed=job.attempts_allowed,
        size=job.size,
        ended_children=job.ended_children,
        running_children=job.children.get("RUNNING", 0),
        vcpus=job.asks.vcpus,
        memory_mib=job.asks.memory_mib,
        job_id=job.id,
        run_id=job.run_id,
        scheduled_time=job.scheduled_time,
    )


def of_run(run: WaitingRun, words: WaitingWords, prefix: str, zone: ZoneInfo, now: datetime) -> Row:
    """A run without a job."""
    return Row(
        job=run.job,
        state=run.status,
        since=run.since,
        age_seconds=(now - run.since).total_seconds(),
        why=words.of_run(run, zone, now),
        queue=run.queue.removeprefix(prefix),
        place=run.place or None,
        run_id=run.run_id,
        scheduled_time=utc_text(run.scheduled) if run.scheduled else "",
    )


def _as_dict(row: Row) -> dict[str, Any]:
    return {
        "job": row.job,
        "state": row.state,
        "since": utc_text(row.since),
        "attempt": row.attempt or None,
        "attempts_allowed": row.attempts_allowed or None,
        "array_size": row.size or None,
        "ended_children": row.ended_children if row.size else None,
        "place": row.place,
        "queue": row.queue or None,
        "vcpus": row.vcpus or None,
        "memory_mib": row.memory_mib or None,
        "why": row.why or None,
        "scheduled_time": row.scheduled_time or None,
        "run_id": row.run_id or None,
        "job_id": row.job_id or None,
    }


def _memory(row: Row) -> str:
    if not row.memory_mib:
        return "-"
    gib = row.memory_mib / _MIB_PER_GIB
    return f"{gib:g} GiB" if row.memory_mib % 256 == 0 and gib >= 1 else f"{row.memory_mib} MiB"


LISTING: Listing[Row] = Listing(
    columns=(
        Column("job", lambda row: row.job),
        Column("run", lambda row: row.job_id[:8] or "-"),
        Column("state", lambda row: row.state, style=lambda row: COLORS.get(row.state, "yellow")),
        Column("for", lambda row: span(row.age_seconds)),
        Column("attempt", lambda row: f"{row.attempt}/{row.attempts_allowed}" if row.attempt else "-"),
        Column("array", lambda row: f"{row.ended_children}/{row.size}" if row.size else "-"),
        Column("place", lambda row: str(row.place) if row.place else "-"),
        Column("queue", lambda row: row.queue or "-", is_wide=True),
        Column("vcpus", lambda row: f"{row.vcpus:g}" if row.vcpus else "-", is_wide=True),
        Column("memory", _memory, is_wide=True),
        Column("job id", lambda row: row.job_id or "-", is_wide=True),
    ),
    as_dict=_as_dict,
    name=lambda row: row.job_id or row.run_id,
    note=lambda row: row.why,
    note_heading="why it waits",
    empty="Nothing runs or waits.",
)
