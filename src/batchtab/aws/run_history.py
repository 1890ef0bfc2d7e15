"""A job's runs, put together from what the submit function noted and from what Batch knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from batchtab.aws.batch_jobs import ENDED, Submitted, counted
from batchtab.errors import printable
from batchtab.run_record import Record

FORGOTTEN = "Batch no longer knows how it ended"
_MADE_UP = {"backfill": "backfilled", "retry": "retried"}
_CUT = "its submission was interrupted; the trigger's next delivery submits it, or batchtab backfill"


@dataclass(frozen=True)
class Run:
    """One run, or a job that somebody submitted manually.

    Attributes:
        scheduled: In UTC; None for a manual one.
        status: Batch's, in capitals, of what was submitted; else what the submit function noted.
        came: When it was submitted or noted.
        took_seconds: From its start to its end, or until now.
        attempts: How many began; 0 for what has none of its own.
    """

    job: str
    scheduled: datetime | None
    status: str
    came: datetime
    started: datetime | None = None
    stopped: datetime | None = None
    took_seconds: float | None = None
    attempts: int = 0
    reason: str = ""
    job_id: str = ""
    run_id: str = ""

    @property
    def at(self) -> datetime:
        """What it is sorted by."""
        return self.scheduled or self.came


def merged(records: Iterable[Record], submitted: Iterable[Submitted], now: datetime) -> list[Run]:
    """The runs of one or more jobs, the latest first. What is in both sources is one run."""
    noted = list(records)
    of_job = {record.job_id: record for record in noted if record.job_id}
    known = {job.id: job for job in submitted}
    runs = [_submitted(job, of_job.get(job.id), now) for job in known.values()]
    runs += [_noted(record, now) for record in noted if record.job_id not in known]
    return sorted(runs, key=lambda run: (run.at, run.came), reverse=True)


def moment(text: str) -> datetime | None:
    """A moment as a run's variables have it; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _submitted(job: Submitted, record: Record | None, now: datetime) -> Run:
    started, stopped = _from_ms(job.started_ms), _from_ms(job.stopped_ms)
    took = ((stopped or now) - started).total_seconds() if started and (stopped or job.status not in ENDED) else None
    return Run(
        job=job.name,
        scheduled=moment(record.scheduled_time if record else job.scheduled_time),
        status=job.status,
        came=_from_ms(job.created_ms) or now,
        started=started,
        stopped=stopped,
        took_seconds=None if took is None else max(took, 0.0),
        attempts=job.attempts,
        reason=printable("; ".join(_reasons(job, record))),
        job_id=job.id,
        run_id=(record.run_id if record else "") or job.run_id,
    )


def _reasons(job: Submitted, record: Record | None) -> Iterator[str]:
    if record is not None and record.mode in _MADE_UP:
        yield _MADE_UP[record.mode]
    if job.children:
        yield counted(job.children)
    if job.reason:
        yield job.reason
    if job.upstream_job_id:
        yield f"after {job.upstream_job_id}"
    if job.asked_because:
        yield f"run because: {job.asked_because}"


def _noted(record: Record, now: datetime) -> Run:
    scheduled = moment(record.scheduled_time)
    reason = record.reason
    if record.status == "submitted":
        reason = FORGOTTEN
    elif record.status == "claimed" and record.lease_until is not None and record.lease_until < now.timestamp():
        reason = reason or _CUT
    return Run(
        job=record.job,
        scheduled=scheduled,
        status=record.status,
        came=moment(record.noted_at) or scheduled or now,
        reason=printable(reason),
        job_id=record.job_id,
        run_id=record.run_id,
    )


def _from_ms(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
