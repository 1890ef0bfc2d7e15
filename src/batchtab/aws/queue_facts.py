"""A queue as it is now: its state, its environments, which jobs come next, and who has the vCPUs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchtab.aws.client import Aws
from batchtab.run_story.batch_job import BatchJob, moment_of, read
from batchtab.run_story.facts import Environment, QueueFacts

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.literals import JobStatusType

_AT_ONCE = 100
_MOST = 200  # jobs of one queue and status
_QUEUES = 4  # that share an environment
_PLACED: tuple[JobStatusType, ...] = ("STARTING", "RUNNING")
_OPEN: tuple[JobStatusType, ...] = (
    "RUNNABLE",
    "PENDING",
    *_PLACED,
)  # of an array whose children run the status is PENDING


class QueueReader:
    """Reads a queue with at most 45 calls; 8 where one queue with few jobs has its own environment."""

    def __init__(self, aws: Aws) -> None:
        self._batch: BatchClient = aws.client("batch")

    def read(self, name: str, beside: Iterable[str] = ()) -> QueueFacts:
        """A queue; `beside` are queues that share its environments.

        Raises:
            LookupError: there is no such queue.
        """
        found: Any = self._batch.describe_job_queues(jobQueues=[name])["jobQueues"]
        if not found:
            raise LookupError(name)
        (queue,) = found
        arns = [each["computeEnvironment"] for each in queue.get("computeEnvironmentOrder") or ()]
        front_ids, since = self._front(name)
        own = self._jobs(name, front_ids[:_AT_ONCE])
        placed = [job for each in own.values() if (job := _placed(each))]
        for other in islice(beside, _QUEUES - 1):
            placed += [job for each in self._jobs(other, ()).values() if (job := _placed(each))]
        waiting = [job for job in own.values() if job.status == "RUNNABLE" or dict(job.children).get("RUNNABLE")]
        front = [own[each] for each in front_ids if each in own] or sorted(waiting, key=_age)
        return QueueFacts(
            name=name,
            state=queue["state"],
            status=queue["status"],
            status_reason=queue.get("statusReason") or "",
            environments=tuple(self._environments(arns)),
            front=tuple(front),
            running=tuple(placed),
            front_since=since,
        )

    def _front(self, name: str) -> tuple[list[str], Any]:
        """The first hundred that come next, as Batch has them in order, and since when the first one is the first."""
        try:
            front: Any = self._batch.get_job_queue_snapshot(jobQueue=name).get("frontOfQueue") or {}
        except ClientError:  # not granted, or an emulator without it: they are in the order of their submission then
            return [], None
        jobs = front.get("jobs") or []
        since = jobs[0].get("earliestTimeAtPosition") if jobs else None
        return [each["jobArn"].rpartition("/")[2] for each in jobs], moment_of(since)

    def _jobs(self, queue: str, more: Sequence[str]) -> dict[str, BatchJob]:
        """A queue's jobs that have not ended, and others by their ids."""
        ids = list(more)
        for status in _OPEN:
            pages = self._batch.get_paginator("list_jobs").paginate(
                jobQueue=queue, jobStatus=status, PaginationConfig={"PageSize": _AT_ONCE, "MaxItems": _MOST}
            )
            ids += [each["jobId"] for page in pages for each in page["jobSummaryList"]]
        found: dict[str, BatchJob] = {}
        wanted = list(dict.fromkeys(ids))
        for begin in range(0, len(wanted), _AT_ONCE):
            for detail in self._batch.describe_jobs(jobs=wanted[begin : begin + _AT_ONCE])["jobs"]:
                found[detail["jobId"]] = read(detail)
        return found

    def _environments(self, arns: Sequence[str]) -> Iterable[Environment]:
        if not arns:
            return
        answer: Any = self._batch.describe_compute_environments(computeEnvironments=list(arns))
        found = {each["computeEnvironmentArn"]: each for each in answer["computeEnvironments"]}
        for each in (found[arn] for arn in arns if arn in found):
            resources = each.get("computeResources") or {}
            yield Environment(
                name=each["computeEnvironmentName"],
                state=each.get("state") or "ENABLED",
                status=each.get("status") or "VALID",
                status_reason=each.get("statusReason") or "",
                capacity=resources.get("type") or "",
                max_vcpus=resources.get("maxvCpus"),
                desired_vcpus=resources.get("desiredvCpus"),
            )


def _placed(job: BatchJob) -> BatchJob | None:
    """A job with the vCPUs that it has; of an array those of the children that run."""
    if not job.array_size:
        return job if job.status in _PLACED else None
    count = sum(dict(job.children).get(status, 0) for status in _PLACED)
    return replace(job, vcpus=job.vcpus * count) if count else None


def _age(job: BatchJob) -> float:
    return job.created.timestamp() if job.created else 0.0
