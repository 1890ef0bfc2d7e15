"""The CLI's calls that stop jobs: which are active, who asks, and TerminateJob.

Not CancelJob, which does nothing to a job that is STARTING or RUNNING, and says that it did.
https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from batchtab.aws.batch_jobs import ENDED, BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.parallel import started

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.literals import JobStatusType
    from mypy_boto3_batch.type_defs import JobSummaryTypeDef

#: The most that Batch takes. https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
REASON_MAX = 1024
#: With it begins the reason of a job that somebody stopped.
STOPPED_PREFIX = "Stopped by "
# In the order in which a job goes on, so that none slips through; one that is tried again goes back from RUNNING.
_ACTIVE: tuple[JobStatusType, ...] = ("RUNNING", "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
#: Jobs of a queue and a status that are listed.
MOST = 10_000


class Termination:
    """Stops jobs of a stage.

    Attributes:
        cut: Queues that have more jobs of a status than were listed.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._batch: BatchClient = aws.client("batch")
        self._jobs = BatchJobs(aws)
        self.cut: dict[str, None] = {}

    def caller(self) -> str:
        """The ARN of whose the credentials are."""
        return str(self._aws.client("sts").get_caller_identity()["Arn"])

    def active(self, queues: Sequence[str]) -> list[JobSummaryTypeDef]:
        """The jobs in queues that have not ended, the oldest first: six lists for each queue, of 100 jobs a page."""
        found = {job["jobId"]: job for queue in queues for job in self._active(queue)}
        return sorted(found.values(), key=lambda job: job["createdAt"])

    def _active(self, queue: str) -> Iterator[JobSummaryTypeDef]:
        for status in _ACTIVE:
            seen = 0
            for page in self._batch.get_paginator("list_jobs").paginate(
                jobQueue=queue, jobStatus=status, PaginationConfig={"PageSize": 100, "MaxItems": MOST}
            ):
                seen += len(page["jobSummaryList"])
                yield from page["jobSummaryList"]
            if seen >= MOST:
                self.cut[queue] = None

    def terminate(self, job_ids: Sequence[str], reason: str) -> Iterator[str]:
        """Terminates jobs, some at once; yields each one's id when Batch has taken it.

        One that has ended meanwhile stays as it is. Of an array's parent all children end.
        """
        with started([partial(self._batch.terminate_job, jobId=each, reason=reason) for each in job_ids]) as calls:
            for job_id, call in zip(job_ids, calls, strict=True):
                call.result()
                yield job_id

    def unfinished(self, job_ids: Iterable[str]) -> list[str]:
        """Which of the jobs have not ended: one call for 100."""
        wanted = list(job_ids)
        found = self._jobs.raw(wanted)
        return [each for each in wanted if each in found and found[each]["status"] not in ENDED]
