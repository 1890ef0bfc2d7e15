"""The jobs of a stage's queues that have not ended: what each is at, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from batchtab.aws.batch_jobs import BatchJobs, read
from batchtab.aws.client import Aws
from batchtab.aws.job_resources import JobResources, job_resources
from batchtab.aws.parallel import mapped
from batchtab.aws.queue_snapshot import QueueSnapshot, snapshot

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

#: In the order in which a job has them.
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
#: How many jobs of a queue and a status are looked at.
MOST = 500
_PAGE = 100


@dataclass(frozen=True)
class ActiveJob:
    """A job that has not ended.

    Attributes:
        queue: Its queue's name in AWS.
        status: Batch's.
        reason: Batch's reason for it; mostly empty.
        since: Since when it runs, waits after its last attempt, or is submitted.
        attempt: The attempt that it is at, or waits for; 0 for an array, whose children have their own.
        attempts_allowed: How many it may have.
        size: Of an array, how many children; 0 for any other job.
        children: Of an array, how many children are in which status.
        asks: Of one child, what it asks for.
        waits_for: The ids of jobs that have to end before it.
        place: In its queue's front, from 1 on; None if it is not there, or nobody knows.
    """

    id: str
    name: str
    queue: str
    status: str
    reason: str
    submitted: datetime
    since: datetime
    attempt: int
    attempts_allowed: int
    size: int
    children: Mapping[str, int]
    asks: JobResources
    waits_for: tuple[str, ...]
    place: int | None
    scheduled_time: str
    run_id: str

    @property
    def ended_children(self) -> int:
        """How many children of an array have ended."""
        return self.children.get("SUCCEEDED", 0) + self.children.get("FAILED", 0)

    @property
    def used_vcpus(self) -> float:
        """What it has of its queue's capacity now."""
        if self.size:
            return self.asks.vcpus * (self.children.get("STARTING", 0) + self.children.get("RUNNING", 0))
        return self.asks.vcpus if self.status in ("STARTING", "RUNNING") else 0.0


@dataclass(frozen=True)
class Active:
    """What was found.

    Attributes:
        jobs: Those that have not ended, the oldest first.
        snapshots: Of each queue in which jobs are RUNNABLE, its front.
        cut: The queues of which more jobs are there than were looked at.
    """

    jobs: tuple[ActiveJob, ...]
    snapshots: Mapping[str, QueueSnapshot]
    cut: tuple[str, ...] = ()


class ActiveJobs:
    """Lists them: for each queue a call of ListJobs for each status and 100 jobs, and one of GetJobQueueSnapshot.

    Then one of DescribeJobs for 100 jobs. Of a queue and a status it looks at up to 500 jobs, and at those in front.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._batch: BatchClient = aws.client("batch")
        self._described = BatchJobs(aws)

    def found(self, queues: Sequence[str], name: str = "") -> Active:
        """The jobs of queues.

        Args:
            queues: By their names.
            name: A job of which none may be missing, also where a queue has more jobs than are looked at.
        """
        wanted = [(queue, status) for queue in queues for status in STATUSES]
        listed = dict(zip(wanted, mapped(lambda each: self._listed(*each), wanted), strict=True))
        cut = tuple(dict.fromkeys(queue for (queue, _), ids in listed.items() if len(ids) > MOST))
        queue_of = {job_id: queue for (queue, _), ids in listed.items() for job_id in ids[:MOST]}
        waiting = [queue for queue in queues if listed[queue, "RUNNABLE"] or listed[queue, "PENDING"]]
        snapshots = dict(zip(waiting, mapped(lambda queue: snapshot(self._aws, queue), waiting), strict=True))
        for queue in cut:  # what comes next, and what is asked for, must be among those that are looked at
            front = {job_id.partition(":")[0]: queue for job_id in snapshots.get(queue, QueueSnapshot()).places}
            mine = self._described.of_name(queue, name) if name else []
            queue_of |= front | {job["jobId"]: queue for job in mine if job["status"] in STATUSES}
        ids = list(queue_of)
        parts = [ids[begin : begin + _PAGE] for begin in range(0, len(ids), _PAGE)]
        details = [each for found in mapped(self._described.raw, parts) for each in found.values()]
        jobs = [_active(each, queue_of[each["jobId"]], snapshots) for each in details if each["status"] in STATUSES]
        return Active(tuple(sorted(jobs, key=lambda job: job.submitted)), snapshots, cut)

    def _listed(self, queue: str, status: Any) -> list[str]:
        pages = self._batch.get_paginator("list_jobs").paginate(
            jobQueue=queue, jobStatus=status, PaginationConfig={"PageSize": _PAGE, "MaxItems": MOST + 1}
        )
        return [job["jobId"] for page in pages for job in page["jobSummaryList"]]


def _active(detail: Mapping[str, Any], queue: str, snapshots: Mapping[str, QueueSnapshot]) -> ActiveJob:
    job = read(detail)
    array = detail.get("arrayProperties") or {}
    ended = [int(each["stoppedAt"]) for each in detail.get("attempts") or () if each.get("stoppedAt")]
    running_ms = detail.get("startedAt") if job.status == "RUNNING" else None
    size = int(array.get("size") or 0)
    return ActiveJob(
        id=job.id,
        name=job.name,
        queue=queue,
        status=job.status,
        reason=job.reason,
        submitted=_moment(job.created_ms),
        since=_moment(running_ms or max([job.created_ms, *ended])),
        attempt=0 if size else len(detail.get("attempts") or ()) + 1,
        attempts_allowed=int((detail.get("retryStrategy") or {}).get("attempts") or 1),
        size=size,
        children=dict(job.children),
        asks=job_resources(detail),
        waits_for=tuple(str(each["jobId"]) for each in detail.get("dependsOn") or () if each.get("jobId")),
        place=snapshots[queue].place(job.id) if queue in snapshots else None,
        scheduled_time=job.scheduled_time,
        run_id=job.run_id,
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
