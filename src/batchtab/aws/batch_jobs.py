"""The CLI's calls to Batch about the jobs that it still knows, and their statuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batchtab.aws.client import Aws
from batchtab.limits import REASON_VARIABLE, RUN_VARIABLES, UPSTREAM_JOB_ID_VARIABLE
from batchtab.main_container import last_attempt, main_container

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.literals import JobStatusType
    from mypy_boto3_batch.type_defs import JobSummaryTypeDef

#: Jobs of one listing: more than a history shows.
LOOKED_AT = 2000
_AT_ONCE = 100  # the most of DescribeJobs, and of a page of ListJobs

ENDED = frozenset({"SUCCEEDED", "FAILED"})


@dataclass(frozen=True)
class Submitted:
    """A job in Batch.

    Attributes:
        queue: The queue's ARN.
        reason: Why it is in its status, in Batch's words, with the exit code where there is one.
        attempts: How many attempts began.
        children: How many children of an array are in which status.
        scheduled_time: Of its run, as its environment says; empty if somebody submitted it manually.
        run_id: Likewise.
        upstream_job_id: Likewise, of a run that another's end started.
        asked_because: Likewise, why somebody ran it with `batchtab run`.
    """

    id: str
    name: str
    queue: str
    status: str
    reason: str
    created_ms: int
    started_ms: int | None
    stopped_ms: int | None
    attempts: int
    children: tuple[tuple[str, int], ...] = ()
    scheduled_time: str = ""
    run_id: str = ""
    upstream_job_id: str = ""
    asked_because: str = ""


class BatchJobs:
    """The jobs of a stage's queues, which Batch remembers for at least a week."""

    def __init__(self, aws: Aws) -> None:
        self._batch: BatchClient = aws.client("batch")

    def of_name(self, queue: str, name: str, most: int = LOOKED_AT) -> list[JobSummaryTypeDef]:
        """Jobs of a name in whatever status, newest first; of very many only about `most`."""
        # Batch orders them by name and version first, so they are sorted again; the filter does not look at case.
        found = [job for page in self._pages(queue, "JOB_NAME", name, most) for job in page if job["jobName"] == name]
        return sorted(found, key=lambda job: job["createdAt"], reverse=True)

    def since(self, queue: str, moment: datetime) -> Iterator[list[JobSummaryTypeDef]]:
        """Jobs that were made after a moment, newest first, page by page, of very many the newest."""
        return self._pages(queue, "AFTER_CREATED_AT", str(int(moment.timestamp() * 1000)), LOOKED_AT)

    def in_status(self, queue: str, status: JobStatusType) -> list[JobSummaryTypeDef]:
        """The first hundred jobs of a status: one call."""
        return self._batch.list_jobs(jobQueue=queue, jobStatus=status, maxResults=_AT_ONCE)["jobSummaryList"]

    def _pages(self, queue: str, name: str, value: str, most: int) -> Iterator[list[JobSummaryTypeDef]]:
        pages = self._batch.get_paginator("list_jobs").paginate(
            jobQueue=queue,
            filters=[{"name": name, "values": [value]}],
            PaginationConfig={"PageSize": _AT_ONCE, "MaxItems": most},
        )
        for page in pages:
            yield page["jobSummaryList"]

    def described(self, ids: Sequence[str]) -> list[Submitted]:
        """Jobs with their statuses; those that Batch no longer knows are left out."""
        return [read(detail) for detail in self.raw(ids).values()]

    def raw(self, ids: Sequence[str]) -> dict[str, Any]:
        """Jobs as DescribeJobs returns them, by their ids and in the order of those; what Batch forgot is left out."""
        return {detail["jobId"]: detail for detail in self.one_by_one(ids)}

    def one_by_one(self, ids: Sequence[str]) -> Iterator[Any]:
        """The same one by one: the next hundred are asked for when somebody wants them."""
        for begin in range(0, len(ids), _AT_ONCE):
            portion = list(ids[begin : begin + _AT_ONCE])
            found = {detail["jobId"]: detail for detail in self._batch.describe_jobs(jobs=portion)["jobs"]}
            yield from (found[job_id] for job_id in portion if job_id in found)


def read(job: Any) -> Submitted:
    """A job as DescribeJobs returns it."""
    container = main_container(job)
    said = {each["name"]: each.get("value", "") for each in container.get("environment") or ()}
    array = job.get("arrayProperties") or {}
    started, stopped = job.get("startedAt") or None, job.get("stoppedAt") or None
    ended = len(job.get("attempts") or ())
    return Submitted(
        id=job["jobId"],
        name=job["jobName"],
        queue=job["jobQueue"],
        status=job["status"],
        reason=_reason(job, container),
        created_ms=job["createdAt"],
        started_ms=started,
        stopped_ms=stopped,
        attempts=ended + (job["status"] in {"STARTING", "RUNNING"}) if not array.get("size") else 0,
        children=tuple((name, count) for name, count in (array.get("statusSummary") or {}).items() if count),
        scheduled_time=said.get(RUN_VARIABLES["scheduled_time"], ""),
        run_id=said.get(RUN_VARIABLES["run_id"], ""),
        upstream_job_id=said.get(UPSTREAM_JOB_ID_VARIABLE, ""),
        asked_because=said.get(REASON_VARIABLE, ""),
    )


def _reason(job: Any, container: Any) -> str:
    if job["status"] == "SUCCEEDED":
        return ""  # only that the container has ended
    last = {**last_attempt(job), **container}  # of a job on several nodes only its attempts say how it ended
    words = [str(job.get("statusReason") or ""), str(last.get("reason") or "")]
    if job["status"] == "FAILED" and last.get("exitCode") is not None:
        words.append(f"exit code {last['exitCode']}")
    return "; ".join(dict.fromkeys(filter(None, words)))


def counted(children: Iterable[tuple[str, int]]) -> str:
    """An array's children as text: `7 SUCCEEDED, 1 FAILED`."""
    return ", ".join(f"{count} {name}" for name, count in children)
